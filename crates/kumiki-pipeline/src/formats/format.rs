//! The format of the inputs, and which part of them is a record.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files::packing::Packing;

/// The format of the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputFormat {
    /// One record per line.
    Lines,
    /// One JSON object per line. The text under a key is a record.
    Jsonl,
    /// Rows with a header. The text in a column is a record.
    Csv,
    /// CSV with tabs as delimiters.
    Tsv,
    /// A Parquet table. The text in a column is a record.
    Parquet,
}

impl InputFormat {
    /// The format of a file by its extension, compressed or not. `None` for
    /// other names.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use kumiki_pipeline::InputFormat;
    ///
    /// let format = InputFormat::of_path(Path::new("rows.csv.gz"));
    /// assert_eq!(format, Some(InputFormat::Csv));
    /// ```
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let (_, name) = Packing::of_path(path);
        match name.rsplit_once('.')?.1 {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// The format of the inputs, with the key or column that records are taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFormat {
    pub(crate) kind: FormatKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FormatKind {
    /// One record per line.
    Lines,
    /// One object per line, with a record under the key `field`.
    Objects { field: String },
    /// Rows with a record in the column `field`.
    Csv { field: String, delimiter: u8 },
    /// The same, stored column by column.
    Parquet { field: String },
}

impl RecordFormat {
    /// One record per line.
    #[must_use]
    pub fn lines() -> Self {
        Self {
            kind: FormatKind::Lines,
        }
    }

    /// Chooses the format of `files`. Without a `format` it is what their names
    /// stand for, if there is a `field` or one of them is Parquet, and lines
    /// otherwise.
    ///
    /// # Errors
    /// When the format needs a `field` or has none, and when the names of the files
    /// stand for no format or for different ones.
    pub fn resolve(
        format: Option<InputFormat>,
        field: Option<String>,
        files: &[PathBuf],
    ) -> Result<Self, Error> {
        let is_parquet = |path: &PathBuf| InputFormat::of_path(path) == Some(InputFormat::Parquet);
        let format = match (&field, format) {
            (_, Some(format)) => format,
            // The bytes of Parquet are not lines.
            (None, None) if files.iter().any(is_parquet) => InputFormat::Parquet,
            (None, None) => InputFormat::Lines,
            (Some(_), None) => guess(files)?,
        };
        let csv = |field, delimiter| FormatKind::Csv { field, delimiter };
        let kind = match (format, field) {
            (InputFormat::Lines, None) => FormatKind::Lines,
            (InputFormat::Jsonl, Some(field)) => FormatKind::Objects { field },
            (InputFormat::Csv, Some(field)) => csv(field, b','),
            (InputFormat::Tsv, Some(field)) => csv(field, b'\t'),
            (InputFormat::Parquet, Some(field)) => FormatKind::Parquet { field },
            (InputFormat::Lines, Some(_)) => return Err(Error::LinesHaveNoFields),
            (InputFormat::Jsonl, None) => return Err(Error::NoKeyNamed),
            (InputFormat::Csv | InputFormat::Tsv | InputFormat::Parquet, None) => {
                return Err(Error::NoColumnNamed);
            }
        };
        Ok(Self { kind })
    }
}

/// The format that the names of all files stand for.
fn guess(files: &[PathBuf]) -> Result<InputFormat, Error> {
    let unknown = |path: &Path| Error::UnknownFormat {
        path: path.to_owned(),
    };
    let mut found: Option<(&Path, InputFormat)> = None;
    for path in files {
        let format = InputFormat::of_path(path).ok_or_else(|| unknown(path))?;
        match found {
            Some((first, of_first)) if of_first != format => {
                return Err(Error::DifferentFormats {
                    first: first.to_owned(),
                    second: path.clone(),
                });
            }
            _ => found = Some((path, format)),
        }
    }
    found
        .map(|(_, format)| format)
        .ok_or_else(|| unknown(Path::new("-")))
}
