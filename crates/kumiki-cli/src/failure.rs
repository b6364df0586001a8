//! Failures that end the program, with their hints and exit codes.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use kumiki_pipeline::{Error as RunError, InvalidRecord, ReadError};
use kumiki_text::NotUtf8;

use crate::limit_flags;

/// A failure of the whole program: a message, its causes and a hint.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hint: Option<String>,
    code: u8,
}

impl Failure {
    /// A usage error: exit code 2.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            causes: Vec::new(),
            hint: Some(hint.into()),
            code: 2,
        }
    }

    /// A failure of a valid command: exit code 1.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            code: 1,
        }
    }

    /// A file or folder named on the command line is missing or unreadable: exit code 2.
    pub(crate) fn path(what: &str, path: &Path, error: &io::Error, hint: &str) -> Self {
        let message = match error.kind() {
            io::ErrorKind::NotFound => format!("there is no {what} `{}`", path.display()),
            _ => format!("cannot read {what} `{}`: {error}", path.display()),
        };
        Self::usage(message, hint)
    }

    /// Adds a cause.
    pub(crate) fn because(mut self, cause: impl ToString) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

/// Checks the result of writing `what` to standard output. A closed pipe is not an
/// error: its reader has read enough.
pub(crate) fn written(what: &str, result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot write {what}")).because(error))
        }
        _ => Ok(()),
    }
}

/// An error of the library that ends the program: exit code 1.
impl From<kumiki::Error> for Failure {
    fn from(error: kumiki::Error) -> Self {
        Self {
            causes: causes(&error),
            hint: hint(&error),
            ..Self::failed(error.to_string())
        }
    }
}

/// An error of a run: exit code 1 if results cannot be written, 2 if the run cannot
/// start.
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
            "omit `--field`, or add `--input-format jsonl` or another format with fields"
        }
        RunError::NoKeyNamed => "name the key whose text is the record: `--field NAME`",
        RunError::NoColumnNamed => "name the column whose texts are the records: `--field NAME`",
        RunError::UnknownFormat { .. } => {
            "specify the format: `--input-format jsonl` for an object per line; `csv`, `tsv` or \
             `parquet` for a table"
        }
        RunError::InputIsFolder { .. } => {
            "name the files in the folder, or process each as one text: `--whole --output-folder \
             FOLDER`; to name plugins, use `-p`"
        }
        RunError::NotATable { .. } => {
            "name the columns in the first row, or set `--input-format` to the format of the file"
        }
        RunError::NotParquet { .. } => {
            "set `--input-format` to the format of the file; if the file is truncated, download or \
             write it again"
        }
        RunError::TableWithoutColumn => {
            "also name the column that records come from: `--field NAME --into NAME`"
        }
        RunError::ParquetRowsElsewhere => {
            "write to a Parquet file, `--output-file FILE.parquet`, or omit `--into`"
        }
        RunError::ParquetToStream => "write to a file: `--output-file FILE.parquet`",
        RunError::ParquetNotResumable => "omit `--resume`; lines, JSON and CSV can be resumed",
        RunError::LinesHaveNoColumns => "omit `--into`",
        RunError::ReportsHaveNoColumns => {
            "omit `--into`, or write rows: `--output csv`, `tsv` or `jsonl`"
        }
        RunError::ObjectsAsTable => "write objects: `--output jsonl`",
        RunError::OtherRowsAsParquet => {
            "write rows as they are read, or as `--output csv`, `tsv` or `jsonl`"
        }
        RunError::SeveralResults { .. } | RunError::SeveralPlugins { .. } => {
            "chain the plugins with `--chain`, or name one plugin with `-p`"
        }
        RunError::OutputIsStream => "omit `--output-file`",
        RunError::OutputIsFolder { .. } => "name a file in the folder: `--output-file FOLDER/FILE`",
        RunError::OutputIsRead { .. } => "give the output another name or another folder",
        RunError::OutputIsSpecial { .. } => {
            "name a regular file, or omit `--output-file` and redirect standard output: \
             `kumiki run ... > PATH`"
        }
        RunError::StreamNotResumable => {
            "name input files: `--resume` does not work with standard input"
        }
        RunError::Incomplete { .. } => "resume it with `--resume`, or remove it to start over",
        _ => return None,
    })
}

/// The hint for an invalid record, which names arguments of this program.
pub(crate) fn record_hint(error: &InvalidRecord) -> Option<&'static str> {
    match error {
        InvalidRecord::Line(ReadError::TooLong { .. }) => {
            Some("raise the limit: `--line-limit 1GiB`")
        }
        _ => error.hint(),
    }
}

/// The causes of a library's error, for [`crate::console`] to print. A cause that
/// repeats its predecessor is omitted.
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

/// The hint for a plugin's error, which names arguments of this program.
pub(crate) fn hint(error: &kumiki::Error) -> Option<String> {
    if let kumiki::Error::CompileProcess { .. } = error {
        return Some(
            "check that the file of `kumiki` exists: the program starts itself to compile plugins"
                .into(),
        );
    }
    limit_flags::flag(error).map_or_else(|| error.hint(), |flag| Some(raise(&flag)))
}

/// The hint for an error of the text contract.
pub(crate) fn text_hint(error: &kumiki_text::Error) -> Option<String> {
    match error {
        kumiki_text::Error::Host(error) => hint(error),
        kumiki_text::Error::Metadata { .. } => Some(raise(limit_flags::METADATA_FLAG)),
        kumiki_text::Error::Input { source, .. } => input_hint(source).map(str::to_owned),
        _ => error.hint(),
    }
}

/// The hint for a whole text that a plugin cannot read.
fn input_hint(error: &io::Error) -> Option<&'static str> {
    let is_not_utf8 = error.get_ref().is_some_and(|error| error.is::<NotUtf8>());
    match error.kind() {
        io::ErrorKind::FileTooLarge => Some(
            "use a plugin that exports `streaming`, which reads in small pieces, or raise the \
             limit: `--line-limit 1GiB`",
        ),
        _ if is_not_utf8 => Some("convert the file to UTF-8: `iconv -f latin1 -t utf-8 FILE`"),
        _ => None,
    }
}

fn raise(flag: &str) -> String {
    format!("raise the limit if the plugin is meant to use this much: `{flag}`")
}
