//! The header of a CSV file, and the table below it.

use std::fmt;
use std::io;
use std::path::Path;

use super::reader::{CsvReader, unquote};
use crate::files::source::{ByteCounter, ByteSource, open};

/// The longest header, in bytes. All of its columns are kept.
const MAX_HEADER: usize = 1 << 20;

/// A table whose header is read.
pub(crate) struct CsvTable {
    pub(super) reader: CsvReader<ByteSource>,
    pub(crate) counter: ByteCounter,
    pub(crate) header: CsvHeader,
}

/// The first row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CsvHeader {
    /// The bytes of the row, without its end.
    pub(crate) raw: String,
    pub(crate) columns: Vec<String>,
    pub(crate) delimiter: u8,
    pub(crate) line_end: &'static str,
}

/// A file cannot be read as a table.
#[derive(Debug)]
pub(crate) enum TableError {
    Io(io::Error),
    /// The error of the header.
    Header(String),
}

/// A column cannot be found by its name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ColumnError {
    Missing,
    Ambiguous,
}

impl CsvTable {
    /// Opens a file and reads its header. Rows may have up to `row_limit` bytes.
    pub(crate) fn open(path: &Path, delimiter: u8, row_limit: usize) -> Result<Self, TableError> {
        let (source, counter) = open(path).map_err(TableError::Io)?;
        Self::read(source, counter, delimiter, row_limit)
    }

    /// Reads the header of a table from `source`.
    pub(crate) fn read(
        source: ByteSource,
        counter: ByteCounter,
        delimiter: u8,
        row_limit: usize,
    ) -> Result<Self, TableError> {
        let header_limit = row_limit.min(MAX_HEADER);
        let mut reader = CsvReader::new(source, delimiter, header_limit).map_err(TableError::Io)?;
        let mut header = match reader.next_row() {
            None => return Err(TableError::Header("it is empty".to_owned())),
            Some(row) => match row.text {
                Err(error) => return Err(TableError::Header(error.to_string())),
                Ok(text) => {
                    let ranges = (0..).map_while(|at| row.range(at));
                    let columns = ranges.filter_map(|range| text.get(range));
                    CsvHeader {
                        columns: columns.map(|name| unquote(name).into_owned()).collect(),
                        raw: text.to_owned(),
                        delimiter,
                        line_end: "\n",
                    }
                }
            },
        };
        if reader.ended_with_carriage_return() {
            header.line_end = "\r\n";
        }
        reader.expect(header.columns.len(), row_limit);
        Ok(Self {
            reader,
            counter,
            header,
        })
    }
}

impl CsvHeader {
    /// The index of the column with this name.
    pub(crate) fn find(&self, name: &str) -> Result<usize, ColumnError> {
        let mut found = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, it)| *it == name);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (None, _) => Err(ColumnError::Missing),
            (Some(_), Some(_)) => Err(ColumnError::Ambiguous),
        }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Header(reason) => write!(f, "it has no header: {reason}"),
        }
    }
}

impl From<TableError> for io::Error {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Io(error) => error,
            TableError::Header(_) => Self::other(error.to_string()),
        }
    }
}
