//! What a run reads.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use crate::arguments::RunArguments;
use crate::failure::Failure;

/// One thing to read.
pub(crate) enum Input {
    /// A string, which is one record.
    Text(String),
    Stdin,
    File(PathBuf),
}

/// What the arguments name. Nothing is opened yet.
pub(crate) fn find_inputs(arguments: &RunArguments) -> Result<Vec<Input>, Failure> {
    if let Some(text) = &arguments.text {
        return Ok(vec![Input::Text(text.clone())]);
    }
    if arguments.files.is_empty() {
        if io::stdin().is_terminal() {
            return Err(Failure::wrong_use(
                "there is nothing to read",
                "give `--text STRING` or a file, or pipe text in; `-` reads from the terminal",
            ));
        }
        return Ok(vec![Input::Stdin]);
    }
    arguments.files.iter().map(|path| input(path)).collect()
}

fn input(path: &Path) -> Result<Input, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Input::Stdin);
    }
    let metadata = std::fs::metadata(path).map_err(|error| {
        Failure::path(
            "file",
            path,
            &error,
            "check the path, relative to the current folder",
        )
    })?;
    if metadata.is_dir() {
        return Err(Failure::wrong_use(
            format!("`{}` is a folder, not a file", path.display()),
            "name the files in it; plugins are named with `-p`",
        ));
    }
    Ok(Input::File(path.to_owned()))
}

impl Input {
    /// The size of all inputs together in bytes, if all are files.
    pub(crate) fn total(inputs: &[Self]) -> Option<u64> {
        let size = |input: &Self| match input {
            Self::File(path) => Some(std::fs::metadata(path).ok()?.len()),
            Self::Text(_) | Self::Stdin => None,
        };
        inputs.iter().map(size).sum()
    }
}
