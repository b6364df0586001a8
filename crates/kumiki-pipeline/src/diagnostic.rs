//! Errors of single records, which do not stop the run.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The place of a record in the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The name of the input: a path as it was given, or the name of a stream.
    pub source: Arc<str>,
    /// The number of the line or row, from 1. A CSV row has the number of the
    /// line that it begins in. 0 for a whole input.
    pub line: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.source),
            line => write!(f, "{}:{line}", self.source),
        }
    }
}

/// A missing result that the output format cannot represent.
#[derive(Debug)]
#[non_exhaustive]
pub enum Diagnostic {
    /// A plugin gave no result for a record.
    Plugin {
        /// The place of the record; `None` for a record that is a string.
        location: Option<Location>,
        /// The error of the plugin.
        error: Arc<kumiki_text::Error>,
    },
    /// A line or row of an input gave no record.
    Invalid {
        /// The name of the input.
        source: Arc<str>,
        /// What is wrong with the line or row.
        error: Box<InvalidRecord>,
    },
    /// The output of an input could not be written. The run continues with the next input.
    Unwritten {
        /// The path of the output.
        output: PathBuf,
        /// The underlying I/O error.
        error: io::Error,
    },
    /// An input could not be opened. The run continues with the next input.
    Unopened {
        /// The name of the input.
        source: Arc<str>,
        /// The underlying I/O error.
        error: io::Error,
    },
}

/// A line or row that gave no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRecord {
    /// The line could not be read as text.
    #[error(transparent)]
    Line(#[from] ReadError),
    /// The line or row does not have the format of its input.
    #[error("line {line} is not a record: {reason}")]
    Malformed {
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The table cannot be read from this row on.
    #[error("cannot read row {row}: {reason}")]
    Broken {
        /// The number of the row, from 1.
        row: u64,
        /// What is wrong with the file.
        reason: String,
    },
}

impl InvalidRecord {
    /// The number of the line or row, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        match self {
            Self::Line(error) => error.line(),
            Self::Malformed { line, .. } | Self::Broken { row: line, .. } => *line,
        }
    }

    /// Returns how to fix it, as one line without the word `hint:`.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Line(ReadError::NotUtf8 { .. }) => {
                Some("convert the file to UTF-8: `iconv -f latin1 -t utf-8 FILE`")
            }
            Self::Line(ReadError::TooLong { .. }) => Some("raise the line limit"),
            Self::Broken { .. } => {
                Some("download the file again, or check it with another program")
            }
            Self::Line(_) | Self::Malformed { .. } => None,
        }
    }
}

/// A line that gave no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The line is not UTF-8. Reading continues with the next line.
    #[error("line {line} is not UTF-8: {} at byte {column}", describe(*.truncated))]
    NotUtf8 {
        /// The number of the line, from 1.
        line: u64,
        /// The position of the first invalid byte in the line, from 1.
        column: usize,
        /// Whether the line ends in the middle of a character.
        truncated: bool,
    },
    /// The line is longer than the limit. Reading continues with the next line.
    #[error("line {line} is longer than {limit} bytes")]
    TooLong {
        /// The number of the line, from 1.
        line: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// Reading from the input failed. Nothing more is read from it.
    #[error("cannot read line {line}")]
    Io {
        /// The number of the line that was to be read, from 1.
        line: u64,
        /// The underlying I/O error.
        source: io::Error,
    },
}

fn describe(truncated: bool) -> &'static str {
    if truncated {
        "incomplete character"
    } else {
        "invalid byte sequence"
    }
}

impl ReadError {
    /// The number of the line, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        match self {
            Self::NotUtf8 { line, .. } | Self::TooLong { line, .. } | Self::Io { line, .. } => {
                *line
            }
        }
    }
}
