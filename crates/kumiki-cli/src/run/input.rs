//! What a run reads.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use super::form::{Form, no_table};
use super::table::Table;
use crate::arguments::RunArguments;
use crate::failure::Failure;

/// One thing to read.
pub(crate) enum Input {
    /// A string, which is one record.
    Text(String),
    Stdin,
    File(PathBuf),
    /// Standard input, of which the header is read.
    Table(Box<Table>),
}

/// What the arguments name, and what it holds. Of tables the header is read.
pub(crate) fn find_inputs(arguments: &RunArguments) -> Result<(Vec<Input>, Form), Failure> {
    if let Some(text) = &arguments.text {
        return Ok((vec![Input::Text(text.clone())], Form::Lines));
    }
    let form = Form::of(arguments)?;
    if arguments.files.is_empty() {
        if io::stdin().is_terminal() {
            return Err(Failure::wrong_use(
                "there is nothing to read",
                "give `--text STRING` or a file, or pipe text in; `-` reads from the terminal",
            ));
        }
        return Ok((vec![stdin(&form)?], form));
    }
    let inputs = arguments.files.iter().map(|path| input(path, &form));
    Ok((inputs.collect::<Result<_, _>>()?, form))
}

fn input(path: &Path, form: &Form) -> Result<Input, Failure> {
    if path.as_os_str() == "-" {
        return stdin(form);
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
    if let Form::Table { dialect, .. } = form {
        let name = path.display().to_string();
        let table = Table::open(path, *dialect).map_err(|error| no_table(&name, &error))?;
        form.check(&name, &table.header)?;
    }
    Ok(Input::File(path.to_owned()))
}

/// A table's header is read before anything is done, and cannot be read twice.
fn stdin(form: &Form) -> Result<Input, Failure> {
    let Form::Table { dialect, .. } = form else {
        return Ok(Input::Stdin);
    };
    let table = Table::stdin(*dialect).map_err(|error| no_table("-", &error))?;
    form.check("-", &table.header)?;
    Ok(Input::Table(Box::new(table)))
}

impl Input {
    /// What it is called in messages and results.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Text(_) | Self::Stdin | Self::Table(_) => "-".to_owned(),
        }
    }

    /// The size of all inputs together in bytes, if all are files.
    pub(crate) fn total(inputs: &[Self]) -> Option<u64> {
        let size = |input: &Self| match input {
            Self::File(path) => Some(std::fs::metadata(path).ok()?.len()),
            Self::Text(_) | Self::Stdin | Self::Table(_) => None,
        };
        inputs.iter().map(size).sum()
    }
}
