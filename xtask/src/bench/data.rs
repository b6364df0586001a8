//! Generates the input files from a seed, once, and keeps them.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::programs::Programs;
use crate::step::step;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Lines,
    JsonLines,
    Csv,
    Parquet,
}

impl Format {
    pub(super) const ALL: [Self; 4] = [Self::Lines, Self::JsonLines, Self::Csv, Self::Parquet];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// Arguments of `kumiki run` for this format.
    pub(super) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Lines => &[],
            Self::JsonLines | Self::Csv | Self::Parquet => &["--field", "text"],
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Lines => "txt",
            other => other.name(),
        }
    }

    fn write(self, number: u64, text: &str, to: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Lines => writeln!(to, "{text}"),
            // No word needs escaping, here or in CSV.
            Self::JsonLines => writeln!(to, "{{\"id\":{number},\"text\":\"{text}\"}}"),
            Self::Csv => writeln!(to, "{number},{text}"),
            Self::Parquet => Err(io::Error::other("Parquet is converted from lines")),
        }
    }
}

/// Minimum free space on the disk after all files are written, in bytes.
const ROOM: u64 = 10 << 30;

/// Fails if there is not enough free space.
pub(super) fn check_room(folder: &Path, bytes: u64) -> Result<()> {
    let mut df = Command::new("df");
    let output = df.args(["--output=avail", "-B1"]).arg(folder).output();
    let output = output.context("cannot get the free disk space from `df`")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let left: Option<u64> = text
        .lines()
        .nth(1)
        .and_then(|line| line.trim().parse().ok());
    match left {
        Some(left) if left < ROOM + bytes => bail!(
            "{} has {} MB of free space, but files of {} MB are needed\n\
             hint: free some disk space, or use --quick",
            folder.display(),
            left / 1_000_000,
            bytes / 1_000_000
        ),
        _ => Ok(()),
    }
}

/// Generates a file with at least `bytes` bytes of text: records of 100 bytes on
/// average, one in fifty with non-ASCII characters.
pub(super) fn generated(programs: &Programs, format: Format, bytes: u64) -> Result<PathBuf> {
    let name = format!("records-{bytes}.{}", format.extension());
    let path = programs.folder.join(name);
    if format == Format::Parquet {
        return pack(programs, &path, bytes);
    }
    write_once(&path, |to| {
        if format == Format::Csv {
            writeln!(to, "id,text")?;
        }
        let (mut random, mut text) = (Random(42), String::new());
        let (mut written, mut number) = (0, 0);
        while written < bytes {
            number += 1;
            random.record(&mut text);
            format.write(number, &text, to)?;
            written += text.len() as u64 + 1;
        }
        Ok(())
    })
}

/// Converts the lines of the same size to Parquet: `id` and `text`, compressed with
/// Snappy.
fn pack(programs: &Programs, path: &Path, bytes: u64) -> Result<PathBuf> {
    let lines = generated(programs, Format::Lines, bytes)?;
    let command = programs.command("native").map_err(anyhow::Error::msg);
    write_once(path, |to| {
        let mut command = command.map_err(io::Error::other)?;
        let to = to.get_ref().try_clone()?;
        let packed = command
            .args(["run", "pack"])
            .arg(lines)
            .stdout(to)
            .status()?;
        match packed.success() {
            true => Ok(()),
            false => Err(io::Error::other(format!("packing failed ({packed})"))),
        }
    })
}

/// Repeats a text until there are at least `bytes` bytes.
pub(super) fn repeated(folder: &Path, text: &Path, bytes: u64) -> Result<PathBuf> {
    let content = fs::read(text).with_context(|| format!("cannot read {}", text.display()))?;
    let times = bytes.div_ceil(content.len().max(1) as u64);
    let path = folder.join(format!("text-{}-{times}.txt", content.len()));
    write_once(&path, |to| {
        (0..times).try_for_each(|_| to.write_all(&content))
    })
}

/// Writes a file unless it exists. It has another name until it is complete.
fn write_once(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<PathBuf> {
    if path.exists() {
        return Ok(path.to_owned());
    }
    let half = path.with_extension("half");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    step(&format!("generate {name}"), || {
        let write = || {
            let mut to = BufWriter::with_capacity(1 << 20, File::create(&half)?);
            write(&mut to)?;
            to.flush()?;
            fs::rename(&half, path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    })?;
    Ok(path.to_owned())
}

/// A deterministic pseudo-random number generator (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }

    /// Returns a line of words with 60 to 139 bytes.
    fn record(&mut self, text: &mut String) {
        const WORDS: [&str; 16] = [
            "wood", "joint", "plane", "chisel", "a", "grain", "of", "cedar", "the", "without",
            "nails", "holds", "temple", "pieces", "cut", "together",
        ];
        const OTHER_WORDS: [&str; 4] = ["組木", "Nägel", "дерево", "ébéniste"];
        text.clear();
        let (length, is_ascii) = (60 + self.below(80), self.below(50) != 0);
        if !is_ascii {
            text.push_str(OTHER_WORDS[self.below(OTHER_WORDS.len())]);
        }
        while text.len() < length {
            text.push(' ');
            text.push_str(WORDS[self.below(WORDS.len())]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_the_same_each_time() {
        let records = || {
            let (mut random, mut text, mut all) = (Random(42), String::new(), Vec::new());
            for _ in 0..10_000 {
                random.record(&mut text);
                all.push(text.clone());
            }
            all
        };
        let all = records();
        assert_eq!(all, records());
        let bytes: usize = all.iter().map(String::len).sum();
        assert!((95..110).contains(&(bytes / all.len())), "{bytes}");
        let others = all.iter().filter(|text| !text.is_ascii()).count();
        assert!((100..300).contains(&others), "{others}");
        assert!(
            all.iter()
                .all(|text| !text.contains(['"', '\\', '\n', '=']))
        );
    }
}
