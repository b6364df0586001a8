//! What inputs hold, by their names or as it was said.

use std::path::{Path, PathBuf};

use super::packing::Packing;
use super::parquet::NoTexts;
use super::table::{Dialect, Header, NoColumn, NoTable, known};
use crate::arguments::{InputFormat, RunArguments};
use crate::failure::Failure;

/// What inputs hold, and what of it is a record.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// A record a line.
    Lines,
    /// An object a line, with a record under this key.
    Objects { field: String },
    /// A row has a record in this column.
    Table { field: String, dialect: Dialect },
    /// The same, kept column by column.
    Parquet { field: String },
}

impl Form {
    /// What the arguments say that files hold.
    pub(crate) fn of(arguments: &RunArguments) -> Result<Self, Failure> {
        let format = match (&arguments.field, arguments.input_format) {
            (_, Some(format)) => format,
            // Its bytes are no lines, whatever is asked for.
            (None, None) if arguments.files.iter().any(|path| is_parquet(path)) => {
                InputFormat::Parquet
            }
            (None, None) => InputFormat::Lines,
            (Some(_), None) => guess(&arguments.files)?,
        };
        let table = |field: String, delimiter: u8| Self::Table {
            field,
            dialect: Dialect {
                delimiter,
                limit: arguments.line_limit,
            },
        };
        match (format, arguments.field.clone()) {
            (InputFormat::Lines, None) => Ok(Self::Lines),
            (InputFormat::Jsonl, Some(field)) => Ok(Self::Objects { field }),
            (InputFormat::Csv, Some(field)) => Ok(table(field, b',')),
            (InputFormat::Tsv, Some(field)) => Ok(table(field, b'\t')),
            (InputFormat::Parquet, Some(field)) => Ok(Self::Parquet { field }),
            (InputFormat::Lines, Some(_)) => Err(Failure::wrong_use(
                "lines have no fields",
                "leave out `--field`, or give `--input-format jsonl` or another",
            )),
            (InputFormat::Jsonl, None) => Err(Failure::wrong_use(
                "an object has many keys, and none is named",
                "name the one whose text is the record: `--field NAME`",
            )),
            (InputFormat::Csv | InputFormat::Tsv | InputFormat::Parquet, None) => {
                Err(Failure::wrong_use(
                    "a table has many columns, and none is named",
                    "name the one whose texts are the records: `--field NAME`",
                ))
            }
        }
    }

    /// Which column of a table records are taken from.
    ///
    /// # Errors
    /// What is wrong, when it is none.
    pub(super) fn column(&self, header: &Header) -> Result<usize, String> {
        let Self::Table { field, .. } = self else {
            return Ok(0);
        };
        header.find(field).map_err(|error| match error {
            NoColumn::Missing => format!("there is no column `{field}` in it"),
            NoColumn::Several => format!("there are several columns `{field}` in it"),
        })
    }

    /// Whether a table has what is asked of it, before anything is done.
    pub(super) fn check(&self, name: &str, header: &Header) -> Result<(), Failure> {
        let Self::Table { field, .. } = self else {
            return Ok(());
        };
        match header.find(field) {
            Ok(_) => Ok(()),
            Err(NoColumn::Missing) => Err(Failure::wrong_use(
                format!("there is no column `{field}` in `{name}`"),
                known(&header.columns, field),
            )),
            Err(NoColumn::Several) => Err(Failure::wrong_use(
                format!("there are several columns `{field}` in `{name}`"),
                "give each column a name of its own",
            )),
        }
    }
}

/// Why a file that should be a table is none.
pub(super) fn no_table(name: &str, error: &NoTable) -> Failure {
    Failure::wrong_use(
        format!("cannot read a table from `{name}`: {error}"),
        "the first row names the columns; `--input-format` says what a file holds",
    )
}

/// Why a file that should be Parquet is none.
pub(super) fn no_parquet(name: &str, error: &str) -> Failure {
    Failure::wrong_use(
        format!("cannot read `{name}` as Parquet: {error}"),
        "`--input-format` says what a file holds; one that was cut short must be got again",
    )
}

/// Why a column of such a file gives no records.
pub(super) fn no_texts(name: &str, field: &str, error: &NoTexts) -> Failure {
    match error {
        NoTexts::Missing(columns) => Failure::wrong_use(
            format!("there is no column `{field}` in `{name}`"),
            known(columns, field),
        ),
        NoTexts::Type(kind) => Failure::wrong_use(
            format!("column `{field}` of `{name}` holds {kind}, and no texts"),
            "name a column of strings",
        ),
    }
}

fn is_parquet(path: &Path) -> bool {
    InputFormat::of(path) == Some(InputFormat::Parquet)
}

/// What files hold, by their names, which must agree.
fn guess(files: &[PathBuf]) -> Result<InputFormat, Failure> {
    let mut found: Option<(&Path, InputFormat)> = None;
    for path in files {
        let Some(format) = InputFormat::of(path) else {
            return Err(unknown(path));
        };
        match found {
            Some((other, of_other)) if of_other != format => {
                return Err(Failure::wrong_use(
                    format!(
                        "`{}` and `{}` are of different formats",
                        other.display(),
                        path.display()
                    ),
                    "read them in runs of their own",
                ));
            }
            _ => found = Some((path, format)),
        }
    }
    found
        .map(|(_, format)| format)
        .ok_or_else(|| unknown(Path::new("-")))
}

fn unknown(path: &Path) -> Failure {
    Failure::wrong_use(
        format!(
            "`{}` does not say by its name what it holds, and may have no fields",
            path.display()
        ),
        "say it: `--input-format jsonl` for an object a line, `csv`, `tsv` or `parquet` for a table",
    )
}

impl InputFormat {
    /// What a file's name says that it holds, packed or not.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let (_, name) = Packing::of(path);
        let (_, end) = name.rsplit_once('.')?;
        match end {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}
