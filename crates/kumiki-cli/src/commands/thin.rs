//! `kumiki thin` and `kumiki fat`: take the runtime of its language out of a plugin, and put
//! it in again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytesize::ByteSize;
use kumiki::ThinComponent;

use super::file;
use super::project::failure;
use crate::arguments::ThinArguments;
use crate::artifacts;
use crate::console::{Console, escape};
use crate::failure::{Failure, written};
use crate::loading::find_one;

pub(crate) fn thin(arguments: &ThinArguments) -> Result<ExitCode, Failure> {
    let path = &find_one(&arguments.file)?;
    let whole = whole(path)?;
    let thin = ThinComponent::make(&whole).ok_or_else(|| {
        Failure::failed(format!(
            "`{}` has no runtime that it shares with other plugins, so it stays as it is",
            path.display()
        ))
    })?;
    write(arguments, path, "thin", &thin)
}

pub(crate) fn fat(arguments: &ThinArguments) -> Result<ExitCode, Failure> {
    let path = &find_one(&arguments.file)?;
    write(arguments, path, "fat", &whole(path)?)
}

/// The whole component in a file.
fn whole(path: &Path) -> Result<Vec<u8>, Failure> {
    let host = artifacts::reader(&Console::new(false, 0))?;
    file::read(&host, "file", path)
}

/// Writes the result to the file that was named, or next to the plugin's.
fn write(
    arguments: &ThinArguments,
    path: &Path,
    kind: &str,
    bytes: &[u8],
) -> Result<ExitCode, Failure> {
    let output = match &arguments.output {
        Some(output) => output.clone(),
        None => beside(path, kind),
    };
    kumiki_build::replace(&output, bytes).map_err(|error| failure(&error))?;
    let size = ByteSize::b(bytes.len() as u64).display().si();
    let line = format!("{}: {size}", output.display());
    let shown = writeln!(anstream::stdout().lock(), "{}", escape(&line));
    written("what was written", shown)?;
    Ok(ExitCode::SUCCESS)
}

/// `plugin.wasm`, `plugin.thin.wasm` and `plugin.fat.wasm` are named alike.
fn beside(path: &Path, kind: &str) -> PathBuf {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".thin").unwrap_or(&name);
    let name = name.strip_suffix(".fat").unwrap_or(name);
    path.with_file_name(format!("{name}.{kind}.wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_names_replace_each_other() {
        for (path, kind, expected) in [
            ("a/b.wasm", "thin", "a/b.thin.wasm"),
            ("a/b.thin.wasm", "fat", "a/b.fat.wasm"),
            ("b.fat.wasm", "thin", "b.thin.wasm"),
            ("b", "thin", "b.thin.wasm"),
        ] {
            assert_eq!(beside(Path::new(path), kind), Path::new(expected));
        }
    }
}
