//! A file of CSV with its header: which of its columns records are taken from.

use std::fmt;
use std::io;
use std::path::Path;

use super::rows::{Rows, unquoted};
use super::source::{Count, Source, open, stdin};

/// The longest header, in bytes: its columns are all kept.
const HEADER: usize = 1 << 20;

/// A table whose header is read.
pub(crate) struct Table {
    pub(super) rows: Rows<Source>,
    pub(super) count: Count,
    pub(super) header: Header,
}

/// The first row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// As it stands in the file, without its end.
    pub(super) raw: String,
    pub(super) columns: Vec<String>,
    pub(super) delimiter: u8,
    /// What it ends with.
    pub(super) end: &'static str,
}

/// How a table is written and how long its rows may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    /// In bytes.
    pub(crate) limit: usize,
}

/// Why a file has no table in it.
#[derive(Debug)]
pub(crate) enum NoTable {
    Io(io::Error),
    /// What is wrong with its header.
    Header(String),
}

impl Table {
    pub(super) fn open(path: &Path, dialect: Dialect) -> Result<Self, NoTable> {
        let (source, count) = open(path).map_err(NoTable::Io)?;
        Self::read(source, count, dialect)
    }

    pub(super) fn stdin(dialect: Dialect) -> Result<Self, NoTable> {
        let (source, count) = stdin();
        Self::read(source, count, dialect)
    }

    fn read(source: Source, count: Count, dialect: Dialect) -> Result<Self, NoTable> {
        let Dialect { delimiter, limit } = dialect;
        let mut rows = Rows::new(source, delimiter, limit.min(HEADER)).map_err(NoTable::Io)?;
        let mut header = match rows.next_row() {
            None => return Err(NoTable::Header("it is empty".to_owned())),
            Some(row) => match row.text {
                Err(error) => return Err(NoTable::Header(error.to_string())),
                Ok(text) => {
                    let ranges = (0..).map_while(|at| row.range(at));
                    let columns = ranges.filter_map(|range| text.get(range));
                    Header {
                        columns: columns.map(|name| unquoted(name).into_owned()).collect(),
                        raw: text.to_owned(),
                        delimiter,
                        end: "\n",
                    }
                }
            },
        };
        if rows.is_returned() {
            header.end = "\r\n";
        }
        rows.expect(header.columns.len(), limit);
        Ok(Self {
            rows,
            count,
            header,
        })
    }
}

/// Why a column is none to take records from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoColumn {
    Missing,
    Several,
}

impl Header {
    /// Which column has this name.
    pub(crate) fn find(&self, name: &str) -> Result<usize, NoColumn> {
        let mut found = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, it)| *it == name);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (None, _) => Err(NoColumn::Missing),
            (Some(_), Some(_)) => Err(NoColumn::Several),
        }
    }
}

impl fmt::Display for NoTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Header(reason) => write!(f, "it has no header: {reason}"),
        }
    }
}

/// What to say of columns when one is not there: the nearest, and all of them.
pub(crate) fn known(columns: &[String], wanted: &str) -> String {
    const MOST: usize = 20;
    let names: Vec<_> = columns
        .iter()
        .take(MOST)
        .map(|it| format!("`{it}`"))
        .collect();
    let more = match columns.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let list = format!("its columns are {}{more}", names.join(", "));
    let likeness = |name: &String| strsim::normalized_damerau_levenshtein(wanted, name);
    let nearest = columns
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest {
        Some(name) if likeness(name) > 0.5 => format!("did you mean `{name}`? {list}"),
        _ => list,
    }
}

impl From<NoTable> for io::Error {
    fn from(error: NoTable) -> Self {
        match error {
            NoTable::Io(error) => error,
            NoTable::Header(_) => Self::other(error.to_string()),
        }
    }
}
