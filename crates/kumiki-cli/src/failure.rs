//! What ends the program before or instead of its work, and what it says then.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use kumiki_pipeline::{Error as RunError, InvalidRecord, ReadError};

use crate::limits;

/// A failure of the program as a whole: one fact, what caused it, a way out.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hint: Option<String>,
    code: u8,
}

impl Failure {
    /// The arguments cannot be followed: exit code 2.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            causes: Vec::new(),
            hint: Some(hint.into()),
            code: 2,
        }
    }

    /// Something failed that was asked for rightly: exit code 1.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            code: 1,
        }
    }

    /// A file or folder named on the command line is not to be had: exit code 2.
    pub(crate) fn path(what: &str, path: &Path, error: &io::Error, hint: &str) -> Self {
        let message = match error.kind() {
            io::ErrorKind::NotFound => format!("there is no {what} `{}`", path.display()),
            _ => format!("cannot read {what} `{}`: {error}", path.display()),
        };
        Self::usage(message, hint)
    }

    /// With what caused it.
    pub(crate) fn because(mut self, cause: impl ToString) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

/// How writing to standard output ended; `what` was written. Whoever closed it
/// has read enough: no error.
pub(crate) fn written(what: &str, result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot write {what}")).because(error))
        }
        _ => Ok(()),
    }
}

/// What the library says, as what ends the program: exit code 1.
impl From<kumiki::Error> for Failure {
    fn from(error: kumiki::Error) -> Self {
        Self {
            causes: causes(&error),
            hint: hint(&error),
            ..Self::failed(error.to_string())
        }
    }
}

/// An error of a run: exit code 1 where results cannot be written, and 2 where the run
/// cannot begin.
impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let causes = match &error {
            RunError::NoState { state, source, .. } => {
                vec![format!("`{}`: {source}", state.display())]
            }
            RunError::Write { source, .. } => vec![source.to_string()],
            _ => Vec::new(),
        };
        let code = match &error {
            RunError::Write { .. } => 1,
            _ => 2,
        };
        Self {
            message: error.to_string(),
            causes,
            hint: run_hint(&error).map(str::to_owned).or_else(|| error.hint()),
            code,
        }
    }
}

/// The hint for an error of a run that names arguments of this program. Other errors
/// have the library's hint.
fn run_hint(error: &RunError) -> Option<&'static str> {
    Some(match error {
        RunError::LinesHaveNoFields => {
            "leave out `--field`, or give `--input-format jsonl` or another"
        }
        RunError::NoKeyNamed => "name the one whose text is the record: `--field NAME`",
        RunError::NoColumnNamed => "name the one whose texts are the records: `--field NAME`",
        RunError::UnknownFormat { .. } => {
            "say it: `--input-format jsonl` for an object a line, `csv`, `tsv` or `parquet` for a table"
        }
        RunError::InputIsFolder { .. } => "name the files in it; plugins are named with `-p`",
        RunError::NotATable { .. } => {
            "the first row names the columns; `--input-format` says what a file holds"
        }
        RunError::NotParquet { .. } => {
            "`--input-format` says what a file holds; one that was cut short must be got again"
        }
        RunError::TableWithoutColumn => {
            "name it beside the one that records come from: `--field NAME --into NAME`"
        }
        RunError::ParquetRowsElsewhere => {
            "name the file so, `--output-file FILE.parquet`, or leave out `--into`"
        }
        RunError::ParquetToStream => "name it: `--output-file FILE.parquet`",
        RunError::ParquetNotResumable => {
            "leave out `--resume`; lines, JSON and CSV can be gone on with"
        }
        RunError::LinesHaveNoColumns => "leave out `--into`",
        RunError::ReportsHaveNoColumns => {
            "leave out `--into`, or write rows: `--output csv`, `tsv` or `jsonl`"
        }
        RunError::ObjectsAsTable => "write objects: `--output jsonl`",
        RunError::OtherRowsAsParquet => {
            "write rows as they are read, or as `--output csv`, `tsv` or `jsonl`"
        }
        RunError::SeveralResults { .. } => {
            "send records through one after the other, `--chain`, or name one plugin with `-p`"
        }
        RunError::OutputIsStream => "leave out `--output-file`",
        RunError::OutputIsFolder { .. } => "name a file in it: `--output-file FOLDER/FILE`",
        RunError::OutputIsRead { .. } => "give `--output-file` another name",
        RunError::OutputIsSpecial { .. } => {
            "name a regular file; or leave out `--output-file` and redirect standard output: \
             `kumiki run ... > PATH`"
        }
        RunError::StreamNotResumable => "`--resume` is for files: name them",
        RunError::Incomplete { .. } => "go on with it, `--resume`, or remove it to begin anew",
        _ => return None,
    })
}

/// What a person can do about a line that is no record, in terms of this program.
pub(crate) fn record_hint(error: &InvalidRecord) -> Option<&'static str> {
    match error {
        InvalidRecord::Line(ReadError::TooLong { .. }) => {
            Some("raise the limit: `--line-limit 1GiB`")
        }
        _ => error.hint(),
    }
}

/// An error of a library with its causes, for [`crate::console`] to print. A
/// cause that repeats what was just said is left out.
pub(crate) fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !error.to_string().contains(&text) && causes.last() != Some(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

/// What a person can do about a plugin's error, in terms of this program.
pub(crate) fn hint(error: &kumiki::Error) -> Option<String> {
    if let kumiki::Error::CompileProcess { .. } = error {
        return Some("`kumiki` starts itself to compile a plugin: its file must be there".into());
    }
    let Some(flag) = limits::flag(error) else {
        return error.hint();
    };
    Some(format!(
        "if it is meant to use so much, raise the limit: `{flag}`"
    ))
}
