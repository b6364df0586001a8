//! Plugins whose results are too much: the real program at its default limits.

use std::path::Path;

use test_components::TextPlugin;

use crate::guests::result;
use crate::program::process::{Ran, run};
use crate::suite::{Case, Outcome::Answer, Seen};

/// How much the whole process may hold, in MiB.
const MOST: usize = 1024;
/// Where large results lie in a guest: behind its first pages.
const AT: &str = "(i32.const 131072)";
const NONE: (&str, &str) = ("(i32.const 0)", "(i32.const 0)");

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = beyond_the_limit();
    cases.extend(within_the_limit());
    cases.extend(other_results());
    cases
}

/// 200,000 quick records, then some that are answered with 256 MiB each.
fn beyond_the_limit() -> Vec<Case> {
    let row = |name, arguments: &'static [&'static str]| {
        row(name, move |folder| {
            write(folder, "big.wasm", large(256 << 20, 0).build())?;
            write(folder, "in.txt", lines(200_000, 12))?;
            write(folder, "in.csv", format!("id\n{}", lines(200_000, 12)))?;
            write(folder, "in.parquet", parquet(200_000, 12))?;
            let mut held = String::new();
            for jobs in ["1", "2", "16"] {
                let common = ["run", "-p", "big.wasm", "--jobs", jobs];
                let ran = run(folder, &[&common, arguments].concat())?;
                held = ran
                    .judge(1, MOST)
                    .map_err(|it| format!("{jobs} jobs: {it}"))?;
                // In JSON, errors stand among the results.
                if !arguments.contains(&"jsonl") {
                    says(&ran, "--output-limit")?;
                }
            }
            Ok(held)
        })
    };
    vec![
        row("256 MiB for each record, as text", &["in.txt"]),
        row("256 MiB for each record, raw", &["in.txt", "-o", "raw"]),
        row(
            "256 MiB for each record, as JSON",
            &["in.txt", "-o", "jsonl"],
        ),
        row(
            "256 MiB for each record, into CSV",
            &["in.csv", "--field", "id", "--into", "out"],
        ),
        row(
            "256 MiB for each record, into Parquet",
            &[
                "in.parquet",
                "--field",
                "id",
                "--into",
                "out",
                "-O",
                "out.parquet",
            ],
        ),
    ]
}

/// Results that may be had, but not all at once.
fn within_the_limit() -> Vec<Case> {
    /// All of the results, as so many bytes on standard output.
    fn all(ran: &Ran, bytes: u64) -> Result<String, String> {
        let held = ran.judge(0, MOST)?;
        match ran.stdout.length >= bytes {
            true => Ok(held),
            false => Err(format!("{} bytes are not all", ran.stdout.length)),
        }
    }
    vec![
        row("40 MiB for each of 16 records", |folder| {
            write(folder, "big.wasm", large(40 << 20, 0).build())?;
            write(folder, "in.txt", lines(20_000, 16))?;
            let mut held = String::new();
            for (format, jobs) in [("raw", "1"), ("raw", "2"), ("raw", "16"), ("text", "64")] {
                let arguments = ["run", "-p", "big.wasm", "in.txt", "-o", format, "-j", jobs];
                held = all(&run(folder, &arguments)?, 16 * (40 << 20))
                    .map_err(|it| format!("{format}, {jobs} jobs: {it}"))?;
            }
            Ok(held)
        }),
        row("40 MiB for each of 16 records, into Parquet", |folder| {
            write(folder, "big.wasm", large(40 << 20, 0).build())?;
            write(folder, "in.parquet", parquet(20_000, 16))?;
            let arguments = [
                "run",
                "-p",
                "big.wasm",
                "in.parquet",
                "--field",
                "id",
                "--into",
                "out",
                "-O",
                "out.parquet",
                "-j",
                "16",
            ];
            run(folder, &arguments)?.judge(0, MOST)
        }),
        row("10 MB of NUL for each of 20 records, in JSON", |folder| {
            write(folder, "big.wasm", large(10_000_000, 0).build())?;
            write(folder, "in.txt", lines(20_000, 20))?;
            let mut held = String::new();
            for jobs in ["1", "16"] {
                let arguments = ["run", "-p", "big.wasm", "in.txt", "-o", "jsonl", "-j", jobs];
                held = all(&run(folder, &arguments)?, 20 * 60_000_000)?;
            }
            Ok(held)
        }),
        row(
            "9 plugins in a row, each adding 30 MiB of metadata",
            |folder| {
                write(folder, "big.wasm", metadata(7_500).build())?;
                write(folder, "in.txt", lines(20_000, 4))?;
                let mut arguments = vec!["run", "--chain", "in.txt", "-o", "jsonl", "-j", "2"];
                arguments.extend(["-p", "big.wasm"].repeat(9));
                run(folder, &arguments)?.judge(1, MOST)
            },
        ),
    ]
}

fn other_results() -> Vec<Case> {
    vec![
        row("60 MB of NUL for each record, in JSON", |folder| {
            write(folder, "big.wasm", large(60_000_000, 0).build())?;
            write(folder, "in.txt", lines(20_000, 12))?;
            let arguments = ["run", "-p", "big.wasm", "in.txt", "-o", "jsonl", "-j", "16"];
            run(folder, &arguments)?.judge(1, MOST)
        }),
        row("40 MiB of metadata for each of 6 records", |folder| {
            write(folder, "big.wasm", metadata(10_000).build())?;
            write(folder, "in.txt", lines(20_000, 6))?;
            let mut held = String::new();
            // A NUL is six bytes in JSON: more than a record's results may have.
            for (format, code) in [("jsonl", 1), ("text", 0)] {
                let arguments = ["run", "-p", "big.wasm", "in.txt", "-o", format, "-j", "16"];
                held = run(folder, &arguments)?
                    .judge(code, MOST)
                    .map_err(|it| format!("{format}: {it}"))?;
            }
            Ok(held)
        }),
        row("6 plugins with 40 MiB each for one record", |folder| {
            write(folder, "big.wasm", large(40 << 20, 0).build())?;
            write(folder, "in.txt", lines(2_000, 1))?;
            let mut arguments = vec!["run", "in.txt", "-o", "raw", "-j", "2"];
            arguments.extend(["-p", "big.wasm"].repeat(6));
            let ran = run(folder, &arguments)?;
            says(&ran, "--output-limit")?;
            ran.judge(1, MOST)
        }),
        row(
            "8 records refused by a plugin with a name of 100 MB",
            |folder| {
                let name = format!(
                "{} (i32.store (i32.const 0) {AT}) (i32.store (i32.const 4) (i32.const 100000000))
                 (i32.const 0)",
                room(100_000_000)
            );
                let plugin = TextPlugin::new("x").get_name(&name);
                let plugin = plugin.process(&test_components::error(0));
                write(folder, "big.wasm", plugin.build())?;
                write(folder, "in.txt", lines(0, 8))?;
                let ran = run(folder, &["run", "-p", "big.wasm", "in.txt", "-o", "raw"])?;
                match ran.stderr.length {
                    0..1_000_000 => ran.judge(1, MOST),
                    length => Err(format!("{length} bytes of errors")),
                }
            },
        ),
    ]
}

/// A row that runs the program in a folder, and says how much it held.
fn row(
    name: &'static str,
    act: impl FnOnce(&Path) -> Result<String, String> + Send + 'static,
) -> Case {
    Case::new(name, Answer, "", move || {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let message = act(folder.path())?;
        Ok(Seen {
            outcome: Answer,
            message,
        })
    })
    .patience(360)
}

/// So many short records, then so many that are answered with much.
fn lines(quick: usize, large: usize) -> String {
    "quick\n".repeat(quick) + &"large\n".repeat(large)
}

pub(crate) fn parquet(quick: usize, large: usize) -> Vec<u8> {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;

    let lines = lines(quick, large);
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(lines.lines()));
    let rows = RecordBatch::try_from_iter([("id", texts)]).expect("one column");
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, rows.schema(), None).expect("it fits");
    writer.write(&rows).expect("it is written");
    writer.close().expect("it ends");
    file
}

/// Grows memory once, to hold so many bytes from [`AT`] on.
fn room(bytes: usize) -> String {
    let pages = bytes.div_ceil(65536) + 2;
    format!(
        "(if (i32.lt_u (memory.size) (i32.const {pages}))
            (then (drop (memory.grow (i32.sub (i32.const {pages}) (memory.size))))))"
    )
}

/// A plugin that answers what begins with `l` by doing `body`, and all else with
/// itself.
fn attacker(body: &str) -> TextPlugin {
    TextPlugin::new("big").process(&format!(
        "(local $a i32) (local $b i32)
         (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x6c)) (then {body}))
         {}",
        test_components::ECHO
    ))
}

/// So many bytes, all the same. NULs are not even touched by the guest.
fn large(bytes: usize, byte: u8) -> TextPlugin {
    let fill = match byte {
        0 => String::new(),
        byte => format!("(memory.fill {AT} (i32.const {byte}) (i32.const {bytes}))"),
    };
    attacker(&format!(
        "{} {fill} {}",
        room(bytes),
        result((AT, &format!("(i32.const {bytes})")), NONE)
    ))
}

/// So many entries of metadata that share one value of 4 KiB.
fn metadata(entries: u32) -> TextPlugin {
    let list = format!("(i32.const {entries})");
    attacker(&format!(
        "{} (local.set $a {list}) (local.set $b {AT})
         (loop $l
            (i32.store (local.get $b) (i32.const 64))
            (i32.store offset=4 (local.get $b) (i32.const 1))
            (i32.store offset=8 (local.get $b) (i32.const 0))
            (i32.store offset=12 (local.get $b) (i32.const 4096))
            (local.set $b (i32.add (local.get $b) (i32.const 16)))
            (br_if $l (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))
         {}",
        room(entries as usize * 16),
        result(("(local.get $at)", "(local.get $length)"), (AT, &list))
    ))
}

fn write(folder: &Path, name: &str, contents: impl AsRef<[u8]>) -> Result<(), String> {
    std::fs::write(folder.join(name), contents).map_err(|error| error.to_string())
}

fn says(ran: &Ran, words: &str) -> Result<(), String> {
    let text = &ran.stderr.text;
    match text.contains(words) || ran.stdout.text.contains("limit") {
        true => Ok(()),
        false => Err(format!(
            "it does not say `{words}`: {}",
            text.chars().take(1000).collect::<String>()
        )),
    }
}
