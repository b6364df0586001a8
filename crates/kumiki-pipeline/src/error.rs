//! Why a run cannot begin or cannot continue.

use std::io;
use std::path::{Path, PathBuf};

use kumiki::excerpt;

/// Why a run cannot begin or cannot continue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Records are lines, and a field is named.
    #[error("lines have no fields")]
    LinesHaveNoFields,
    /// Records are texts of JSON objects, and no key is named.
    #[error("an object has many keys, and none is named")]
    NoKeyNamed,
    /// Records are texts of a table, and no column is named.
    #[error("a table has many columns, and none is named")]
    NoColumnNamed,
    /// The name of an input stands for no format.
    #[error("`{}` does not say by its name what it holds, and may have no fields", path.display())]
    UnknownFormat {
        /// The input.
        path: PathBuf,
    },
    /// The names of two inputs stand for different formats.
    #[error("`{}` and `{}` are of different formats", first.display(), second.display())]
    DifferentFormats {
        /// An input.
        first: PathBuf,
        /// A later input.
        second: PathBuf,
    },
    /// An input is not there or cannot be read.
    #[error("{}", unreadable(path, source))]
    Input {
        /// The input.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// An input is a folder.
    #[error("`{}` is a folder, not a file", path.display())]
    InputIsFolder {
        /// The input.
        path: PathBuf,
    },
    /// An input has no header.
    #[error("cannot read a table from `{name}`: {reason}")]
    NotATable {
        /// The name of the input.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An input is no Parquet.
    #[error("cannot read `{name}` as Parquet: {reason}")]
    NotParquet {
        /// The name of the input.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A column is not there.
    #[error("there is no column `{field}` in `{name}`")]
    NoSuchColumn {
        /// The name of the input.
        name: String,
        /// The column.
        field: String,
        /// All columns of the input.
        columns: Vec<String>,
    },
    /// Several columns have the same name.
    #[error("there are several columns `{field}` in `{name}`")]
    AmbiguousColumn {
        /// The name of the input.
        name: String,
        /// The column.
        field: String,
    },
    /// The values of a column are no texts.
    #[error("column `{field}` of `{name}` holds {kind}, and no texts")]
    NoTexts {
        /// The name of the input.
        name: String,
        /// The column.
        field: String,
        /// The type of its values.
        kind: String,
    },
    /// Rows are written again, and an input has other columns than the first one.
    #[error("the columns of `{name}` are not those of the files before it")]
    OtherColumns {
        /// The name of the input.
        name: String,
    },
    /// Parquet is read from a stream.
    #[error("Parquet cannot be read from standard input: what it holds stands at its end")]
    ParquetFromStream,
    /// A table is to be written, and no column for results is named.
    #[error("a table needs a column for the results, and none is named")]
    TableWithoutColumn,
    /// Rows of Parquet are to be written in another format.
    #[error("rows of Parquet have types that other formats do not, and are written as Parquet")]
    ParquetRowsElsewhere,
    /// Parquet is to be written to a stream.
    #[error("Parquet is written to a file, not to standard output")]
    ParquetToStream,
    /// The file of a Parquet table is to be compressed.
    #[error("Parquet is packed within, column by column")]
    ParquetPacked,
    /// A run that writes Parquet is to be resumed.
    #[error("a file of Parquet cannot be gone on with: what it holds is written at its end")]
    ParquetNotResumable,
    /// Records are lines or strings, and a column for results is named.
    #[error("lines have no columns that results could go into")]
    LinesHaveNoColumns,
    /// A report is to be written, and a column for results is named.
    #[error("`text` and `raw` have no columns that results could go into")]
    ReportsHaveNoColumns,
    /// JSON objects are to be written as a table.
    #[error("each JSON object has keys of its own, and a table the same columns in each row")]
    ObjectsAsTable,
    /// Rows of another format are to be written as Parquet.
    #[error("only rows of Parquet are written as Parquet")]
    OtherRowsAsParquet,
    /// Several plugins give a result each, and rows have one column for results.
    #[error("{plugins} plugins have a result each, and only one goes into `{into}`")]
    SeveralResults {
        /// Number of plugins.
        plugins: usize,
        /// The column for results.
        into: String,
    },
    /// The output is named `-`, which stands for a stream.
    #[error("standard output is written where no file is named")]
    OutputIsStream,
    /// The output is a folder.
    #[error("`{}` is a folder, not a file", path.display())]
    OutputIsFolder {
        /// The output.
        path: PathBuf,
    },
    /// The output would overwrite a file that the run reads.
    #[error("`{}` is {what} of this run, and would be overwritten", path.display())]
    OutputIsRead {
        /// The file that the run reads.
        path: PathBuf,
        /// What it is to the run: `an input` or `a plugin`.
        what: &'static str,
    },
    /// The output is no regular file.
    #[error("`{}` is {kind}, and only a regular file is replaced", path.display())]
    OutputIsSpecial {
        /// The output.
        path: PathBuf,
        /// The kind of its directory entry.
        kind: &'static str,
    },
    /// The output cannot be created.
    #[error("cannot write `{}`: {source}", part.display())]
    Create {
        /// The temporary path of the output.
        part: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A run with a stream as its input is to be resumed.
    #[error("standard input cannot be read again from its beginning")]
    StreamNotResumable,
    /// An earlier run has left an incomplete output.
    #[error("`{}` is there, from a run that did not come to its end", part.display())]
    Incomplete {
        /// The temporary path of the output.
        part: PathBuf,
    },
    /// The state of an earlier run cannot be read.
    #[error("nothing says how far `{}` is good", part.display())]
    NoState {
        /// The temporary path of the output.
        part: PathBuf,
        /// The path of the state.
        state: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The incomplete output of an earlier run cannot be continued.
    #[error("cannot go on with `{}`: {source}", part.display())]
    Resume {
        /// The temporary path of the output.
        part: PathBuf,
        /// Why it cannot be continued.
        source: io::Error,
    },
    /// The earlier run had other settings, inputs or plugins.
    #[error("{}", other_run(what, *change, part))]
    OtherRun {
        /// The temporary path of the output.
        part: PathBuf,
        /// The name of what differs, from the [`RunIdentity`](crate::RunIdentity).
        what: String,
        /// How it differs.
        change: Change,
    },
    /// The results cannot be written, or a thread of the run has ended.
    #[error("cannot write {}", output_name(output.as_deref()))]
    Write {
        /// The output; `None` for a stream.
        output: Option<PathBuf>,
        /// The error of the system.
        source: io::Error,
    },
}

/// How a part of a run differs from the run that is to be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Both runs have it, with different values.
    Changed,
    /// Only the earlier run has it.
    Removed,
    /// Only this run has it.
    Added,
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no file `{}`", path.display()),
        _ => format!("cannot read file `{}`: {error}", path.display()),
    }
}

fn other_run(what: &str, change: Change, part: &Path) -> String {
    let part = part.display();
    match change {
        Change::Changed => format!("{what} is not as it was when `{part}` was begun"),
        Change::Removed => format!("{what} is no part of this run, and `{part}` was begun with it"),
        Change::Added => format!("{what} is new, and `{part}` was begun without it"),
    }
}

fn output_name(output: Option<&Path>) -> String {
    match output {
        Some(path) => format!("`{}`", path.display()),
        None => "the results".to_owned(),
    }
}

impl Error {
    /// What a person can do about it, as one line without the word `hint:`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::LinesHaveNoFields => "name no field, or another input format",
            Self::NoKeyNamed => "name the one whose text is the record",
            Self::NoColumnNamed => "name the one whose texts are the records",
            Self::UnknownFormat { .. } => "name the input format",
            Self::DifferentFormats { .. } => "read them in runs of their own",
            Self::Input { .. } => "check the path, relative to the current folder",
            Self::InputIsFolder { .. } => "name the files in it",
            Self::NotATable { .. } => {
                "the first row names the columns; the input format says what a file holds"
            }
            Self::NotParquet { .. } => {
                "the input format says what a file holds; one that was cut short must be got again"
            }
            Self::NoSuchColumn { columns, field, .. } => {
                return Some(known_columns(columns, field));
            }
            Self::AmbiguousColumn { .. } => "give each column a name of its own",
            Self::NoTexts { .. } => "name a column of strings",
            Self::OtherColumns { .. } => {
                "rows of one table have the same columns: run it by itself"
            }
            Self::ParquetFromStream => "name a file",
            Self::TableWithoutColumn => "name it beside the one that records come from",
            Self::ParquetRowsElsewhere => "name the file so, or no column for the results",
            Self::ParquetToStream => "name the file",
            Self::ParquetPacked => "leave out `.gz` or `.zst`",
            Self::ParquetNotResumable => "begin anew; lines, JSON and CSV can be gone on with",
            Self::LinesHaveNoColumns => "name no column for the results",
            Self::ReportsHaveNoColumns => {
                "name no column for the results, or write rows: `csv`, `tsv` or `jsonl`"
            }
            Self::ObjectsAsTable => "write objects: `jsonl`",
            Self::OtherRowsAsParquet => {
                "write rows as they are read, or as `csv`, `tsv` or `jsonl`"
            }
            Self::SeveralResults { .. } => {
                "send records through one plugin after the other, or name one plugin"
            }
            Self::OutputIsStream => "name no file",
            Self::OutputIsFolder { .. } => "name a file in it",
            Self::OutputIsRead { .. } => "give the output another name",
            Self::OutputIsSpecial { .. } => "name a regular file, or write to a stream",
            Self::Create { .. } => {
                "name a file in a folder that is there and that you may write to"
            }
            Self::StreamNotResumable => "only runs over files can be gone on with: name them",
            Self::Incomplete { .. } => "go on with it, or remove it to begin anew",
            Self::NoState { part, .. } => {
                return Some(format!("remove `{}` to begin anew", part.display()));
            }
            Self::Resume { .. } => "remove it to begin anew",
            Self::OtherRun { part, .. } => {
                return Some(format!(
                    "go on with what it was begun with, or remove `{}` to begin anew",
                    part.display()
                ));
            }
            Self::Write { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// The column with the name nearest to `wanted`, and all columns.
fn known_columns(columns: &[String], wanted: &str) -> String {
    const MAX_SHOWN: usize = 20;
    /// The most characters of a name.
    const MAX_NAME: usize = 60;
    /// The most columns that are compared, and the most bytes of their names.
    const MAX_COMPARED: usize = 10_000;
    const MAX_LENGTH: usize = 100;
    let quoted = |name: &str| format!("`{}`", excerpt(name, MAX_NAME));
    let names: Vec<_> = columns
        .iter()
        .take(MAX_SHOWN)
        .map(|name| quoted(name))
        .collect();
    let more = match columns.len().saturating_sub(MAX_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let list = format!("its columns are {}{more}", names.join(", "));
    let likeness = |name: &String| strsim::normalized_damerau_levenshtein(wanted, name);
    let compared = columns.iter().take(MAX_COMPARED);
    let nearest = compared
        .filter(|name| name.len() <= MAX_LENGTH)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest {
        Some(name) if likeness(name) > 0.5 => format!("did you mean {}? {list}", quoted(name)),
        _ => list,
    }
}
