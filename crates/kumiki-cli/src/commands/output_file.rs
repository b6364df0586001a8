//! `kumiki run --output-file`: whether the file may be written.

use std::fs;
use std::path::{Path, PathBuf};

use crate::arguments::RunArguments;
use crate::failure::Failure;
use crate::run::{PartFile, part};

/// Whether the file may be written: nothing that the run reads may be lost, and
/// nothing that an earlier run has done.
pub(super) fn check(path: &Path, inputs: &[PathBuf], plugins: &[PathBuf]) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::wrong_use(
            format!("`{}` is a folder, not a file", path.display()),
            "name a file in it: `--output-file FOLDER/FILE`",
        ));
    }
    let part = part(path);
    for (paths, what) in [(inputs, "an input"), (plugins, "a plugin")] {
        for other in paths {
            if is_same(path, other) || is_same(&part, other) {
                return Err(Failure::wrong_use(
                    format!(
                        "`{}` is {what} of this run, and would be overwritten",
                        other.display()
                    ),
                    "give `--output-file` another name",
                ));
            }
        }
    }
    if part.exists() {
        return Err(Failure::wrong_use(
            format!(
                "`{}` is there, from a run that did not come to its end",
                part.display()
            ),
            "remove it to begin anew",
        ));
    }
    Ok(())
}

/// Begins the file, if there is to be one.
pub(super) fn begin(arguments: &RunArguments) -> Result<Option<PartFile>, Failure> {
    let Some(path) = &arguments.output_file else {
        return Ok(None);
    };
    PartFile::create(path).map(Some).map_err(|error| {
        Failure::wrong_use(
            format!("cannot write `{}`: {error}", part(path).display()),
            "name a file in a folder that is there and that you may write to",
        )
    })
}

/// Whether both are there and the same, whatever they are called.
fn is_same(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
