//! What a run reads.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use crate::arguments::{InputFormat, RunArguments};
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
    check_format(arguments)?;
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

/// Whether a record is to be a line or a text in one.
fn check_format(arguments: &RunArguments) -> Result<(), Failure> {
    match (&arguments.field, arguments.input_format) {
        (None, None | Some(InputFormat::Lines)) | (Some(_), Some(InputFormat::Jsonl)) => Ok(()),
        (None, Some(InputFormat::Jsonl)) => Err(Failure::wrong_use(
            "an object has many keys, and none is named",
            "name the one whose text is the record: `--field NAME`",
        )),
        (Some(_), Some(InputFormat::Lines)) => Err(Failure::wrong_use(
            "lines have no fields",
            "leave out `--field`, or give `--input-format jsonl`",
        )),
        (Some(_), None) => {
            let mut files = arguments.files.iter();
            let other = match files.find(|path| !is_jsonl(path)) {
                Some(path) => path.display().to_string(),
                None if arguments.files.is_empty() => "-".to_owned(),
                None => return Ok(()),
            };
            Err(Failure::wrong_use(
                format!("`{other}` does not end in `.jsonl` or `.ndjson`, and may have no fields"),
                "if it holds a JSON object a line, give `--input-format jsonl`",
            ))
        }
    }
}

/// Whether a file's name says so, packed or not.
fn is_jsonl(path: &Path) -> bool {
    let name = path.as_os_str().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with(".jsonl") || name.ends_with(".ndjson")
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
