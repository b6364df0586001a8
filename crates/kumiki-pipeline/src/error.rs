//! Errors that prevent or stop a run.

use std::io;
use std::path::{Path, PathBuf};

use kumiki::excerpt;

/// An error that prevents or stops a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field is specified, but records are lines.
    #[error("lines have no fields")]
    LinesHaveNoFields,
    /// Records are texts of JSON objects, but no key is specified.
    #[error("no key specified for the text of JSON objects")]
    NoKeyNamed,
    /// Records are texts of a table, but no column is specified.
    #[error("no column specified for the text of table rows")]
    NoColumnNamed,
    /// The name of an input has no file extension of a known format.
    #[error(
        "`{}` has no file extension of a known format, so it may have no fields",
        path.display()
    )]
    UnknownFormat {
        /// The input.
        path: PathBuf,
    },
    /// The file extensions of two inputs belong to different formats.
    #[error("`{}` and `{}` have different formats", first.display(), second.display())]
    DifferentFormats {
        /// An input.
        first: PathBuf,
        /// A later input.
        second: PathBuf,
    },
    /// An input does not exist or cannot be read.
    #[error("{}", unreadable(path, source))]
    Input {
        /// The input.
        path: PathBuf,
        /// The underlying I/O error.
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
    /// An input is not a valid Parquet file.
    #[error("cannot read `{name}` as Parquet: {reason}")]
    NotParquet {
        /// The name of the input.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A column does not exist.
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
    /// The values of a column are not text.
    #[error("column `{field}` of `{name}` has type {kind}, not text")]
    NoTexts {
        /// The name of the input.
        name: String,
        /// The column.
        field: String,
        /// The type of its values.
        kind: String,
    },
    /// Results are written into rows, but an input has other columns than the first.
    #[error("the columns of `{name}` differ from those of the previous files")]
    OtherColumns {
        /// The name of the input.
        name: String,
    },
    /// There are several plugins for whole texts, which do not form a chain.
    #[error("{plugins} plugins give one result each for a whole text")]
    SeveralPlugins {
        /// The number of plugins.
        plugins: usize,
    },
    /// Results are to be written into a folder, but an input is not a file.
    #[error("only files have outputs in a folder")]
    FolderNeedsFiles,
    /// Results are to be written into a folder, but not of whole texts.
    #[error("only the results of whole texts can be written into a folder")]
    FolderNeedsWhole,
    /// The output folder, or a folder in it, is a file.
    #[error("`{}` is a file, not a folder", path.display())]
    OutputIsFile {
        /// The file.
        path: PathBuf,
    },
    /// Two inputs would have the same file in the output folder.
    #[error("{}", same_output(first, second, output))]
    SameOutput {
        /// The one input.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// The path of the output.
        output: PathBuf,
    },
    /// Parquet cannot be read from a stream.
    #[error("cannot read Parquet from standard input: its metadata is at the end of the file")]
    ParquetFromStream,
    /// A table is to be written, but no column for results is specified.
    #[error("no column specified for the results in a table")]
    TableWithoutColumn,
    /// Rows of Parquet are to be written in another format.
    #[error("rows of Parquet can only be written as Parquet: other formats lack its types")]
    ParquetRowsElsewhere,
    /// Parquet is to be written to a stream.
    #[error("cannot write Parquet to standard output")]
    ParquetToStream,
    /// The file of a Parquet table is to be compressed.
    #[error("cannot compress a Parquet file as a whole: its columns are compressed")]
    ParquetPacked,
    /// A run that writes Parquet is to be resumed.
    #[error("cannot resume writing a Parquet file: its metadata is written at the end")]
    ParquetNotResumable,
    /// A column for results is specified, but records are lines or strings.
    #[error("lines have no columns for results")]
    LinesHaveNoColumns,
    /// A column for results is specified, but a report is to be written.
    #[error("`text` and `raw` have no columns for results")]
    ReportsHaveNoColumns,
    /// JSON objects are to be written as a table.
    #[error("cannot write JSON objects as a table: their keys can differ")]
    ObjectsAsTable,
    /// Rows of another format are to be written as Parquet.
    #[error("only rows of Parquet can be written as Parquet")]
    OtherRowsAsParquet,
    /// Several plugins give one result each, but rows have one column for results.
    #[error("{plugins} plugins give one result each, but only one fits into `{into}`")]
    SeveralResults {
        /// Number of plugins.
        plugins: usize,
        /// The column for results.
        into: String,
    },
    /// The output file is `-`, which means a stream.
    #[error("`-` is not a valid output file")]
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
        /// Its role in the run: `an input` or `a plugin`.
        what: &'static str,
    },
    /// The output is not a regular file.
    #[error("`{}` is {kind}, not a regular file", path.display())]
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
        /// The underlying I/O error.
        source: io::Error,
    },
    /// A run with a stream as input cannot be resumed.
    #[error("standard input cannot be read again from its beginning")]
    StreamNotResumable,
    /// An earlier run has left an incomplete output.
    #[error("`{}` already exists, from a run that did not finish", part.display())]
    Incomplete {
        /// The temporary path of the output.
        part: PathBuf,
    },
    /// The state of an earlier run cannot be read.
    #[error("cannot read the saved state of `{}`", part.display())]
    NoState {
        /// The temporary path of the output.
        part: PathBuf,
        /// The path of the state.
        state: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// The incomplete output of an earlier run cannot be continued.
    #[error("cannot resume `{}`: {source}", part.display())]
    Resume {
        /// The temporary path of the output.
        part: PathBuf,
        /// The reason.
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
    /// The results cannot be written, or a thread of the run panicked.
    #[error("cannot write {}", output_name(output.as_deref()))]
    Write {
        /// The output; `None` for a stream.
        output: Option<PathBuf>,
        /// The underlying I/O error.
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
        Change::Changed => format!("{what} has changed since `{part}` was started"),
        Change::Removed => {
            format!("{what} is not part of this run, but `{part}` was started with it")
        }
        Change::Added => format!("{what} is new: `{part}` was started without it"),
    }
}

fn same_output(first: &Path, second: &Path, output: &Path) -> String {
    match first == second {
        true => format!("`{}` is named twice", first.display()),
        false => format!(
            "`{}` and `{}` would both be written to `{}`",
            first.display(),
            second.display(),
            output.display()
        ),
    }
}

fn output_name(output: Option<&Path>) -> String {
    match output {
        Some(path) => format!("`{}`", path.display()),
        None => "the results".to_owned(),
    }
}

impl Error {
    /// Returns how to fix it, as one line without the word `hint:`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::LinesHaveNoFields => "omit the field, or specify another input format",
            Self::NoKeyNamed => "specify the key whose text is the record",
            Self::NoColumnNamed => "specify the column whose texts are the records",
            Self::UnknownFormat { .. } => "name the input format",
            Self::DifferentFormats { .. } => "read them in separate runs",
            Self::Input { .. } => "check the path, relative to the current folder",
            Self::InputIsFolder { .. } => "name the files in it",
            Self::NotATable { .. } => {
                "check that the first row has the column names, or specify the input format"
            }
            Self::NotParquet { .. } => {
                "specify the input format, or download the file again if it is truncated"
            }
            Self::NoSuchColumn { columns, field, .. } => {
                return Some(known_columns(columns, field));
            }
            Self::AmbiguousColumn { .. } => "give each column a unique name",
            Self::NoTexts { .. } => "specify a column of strings",
            Self::OtherColumns { .. } => "process files with different columns in separate runs",
            Self::ParquetFromStream => "name a file",
            Self::TableWithoutColumn => {
                "specify a column for the results besides the one with the records"
            }
            Self::ParquetRowsElsewhere => {
                "write to a Parquet file, or omit the column for the results"
            }
            Self::ParquetToStream => "name the file",
            Self::ParquetPacked => "leave out `.gz` or `.zst`",
            Self::ParquetNotResumable => "start over; only lines, JSON and CSV can be resumed",
            Self::LinesHaveNoColumns => "omit the column for the results",
            Self::ReportsHaveNoColumns => {
                "omit the column for the results, or write rows: `csv`, `tsv` or `jsonl`"
            }
            Self::ObjectsAsTable => "write JSON objects with `jsonl`",
            Self::OtherRowsAsParquet => {
                "write rows in the format of the input, or as `csv`, `tsv` or `jsonl`"
            }
            Self::SeveralResults { .. } | Self::SeveralPlugins { .. } => {
                "chain the plugins, or use only one plugin"
            }
            Self::FolderNeedsFiles => "name files or folders as inputs",
            Self::FolderNeedsWhole => "process whole texts (`--whole`), or name an output file",
            Self::OutputIsFile { .. } => "name a folder; a new one is created",
            Self::SameOutput { .. } => {
                "name each input once; for files of the same name, name the folder that contains both"
            }
            Self::OutputIsStream => "name no file",
            Self::OutputIsFolder { .. } => "name a file in it",
            Self::OutputIsRead { .. } => "give the output another name",
            Self::OutputIsSpecial { .. } => "name a regular file, or write to a stream",
            Self::Create { .. } => "specify a file in an existing folder that you can write to",
            Self::StreamNotResumable => "specify files as inputs: only such runs can be resumed",
            Self::Incomplete { .. } => "resume it, or remove it to start over",
            Self::NoState { part, .. } => {
                return Some(format!("remove `{}` to start over", part.display()));
            }
            Self::Resume { .. } => "remove it to start over",
            Self::OtherRun { part, .. } => {
                return Some(format!(
                    "resume with the original inputs, plugins and settings, or remove `{}` to start \
                     over",
                    part.display()
                ));
            }
            Self::Write { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// Suggests the column whose name is most similar to `wanted`, and lists columns.
fn known_columns(columns: &[String], wanted: &str) -> String {
    const MAX_SHOWN: usize = 20;
    /// Maximum characters of a name.
    const MAX_NAME: usize = 60;
    /// Maximum number of columns that are compared, and the most bytes of their names.
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
