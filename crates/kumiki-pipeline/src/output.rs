//! The output of a run: a report, rows with results in them, or a table.

use std::path::Path;
use std::sync::Arc;

use crate::error::Error;
use crate::files::packing::Packing;
use crate::formats::format::{FormatKind, InputFormat};
use crate::formats::parquet::table::TableTarget;
use crate::formats::report::ReportFormat;
use crate::formats::rows::{ColumnTarget, RowFormat};
use crate::input::open::OpenInputs;

/// The format of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputFormat {
    /// A report for people: the plugin, its output and the metadata below it.
    Text,
    /// A report for programs: one JSON object per line, including errors. With a column
    /// for results: the rows as JSON objects.
    Jsonl,
    /// A report of only the outputs, one per line.
    Raw,
    /// The rows of a table. Needs a column for results.
    Csv,
    /// CSV with tabs as delimiters.
    Tsv,
    /// The rows of a Parquet table. Needs a column for results.
    Parquet,
}

impl OutputFormat {
    /// The format of a file by its extension, compressed or not. `None` for
    /// other names.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        Some(match InputFormat::of_path(path)? {
            InputFormat::Lines => return None,
            InputFormat::Jsonl => Self::Jsonl,
            InputFormat::Csv => Self::Csv,
            InputFormat::Tsv => Self::Tsv,
            InputFormat::Parquet => Self::Parquet,
        })
    }
}

/// The output of a run.
#[derive(Clone)]
pub(crate) enum Output {
    /// The results of each record and plugin.
    Report(ReportFormat),
    /// The rows of the input, with results in a column or under a key.
    Rows(Arc<ColumnTarget>),
    /// A Parquet table, with results in a column.
    Table(Arc<TableTarget>),
}

/// The settings that determine the output.
pub(crate) struct OutputRequest<'a> {
    pub(crate) format: Option<OutputFormat>,
    /// The column or key for results.
    pub(crate) into: Option<&'a str>,
    /// The file that is written; `None` for a stream.
    pub(crate) file: Option<&'a Path>,
    pub(crate) resume: bool,
    pub(crate) is_terminal: bool,
}

impl Output {
    /// Chooses the output and the bytes before the first result.
    pub(crate) fn choose(
        request: &OutputRequest<'_>,
        inputs: &OpenInputs,
    ) -> Result<(Self, Vec<u8>), Error> {
        let by_name = || request.file.and_then(OutputFormat::of_path);
        let wanted = request.format.or_else(by_name);
        let Some(name) = request.into else {
            return Ok((Self::Report(report_format(wanted)?), Vec::new()));
        };
        if let (FormatKind::Parquet { .. }, Some(metadata)) = (&inputs.format, &inputs.metadata) {
            check_parquet(request, wanted)?;
            let target = TableTarget::new(metadata, name);
            return Ok((Self::Table(Arc::new(target)), Vec::new()));
        }
        let header = inputs.header.as_ref();
        let format = row_format(&inputs.format, wanted)?;
        let target = ColumnTarget {
            name: name.to_owned(),
            format,
            line_end: match format {
                RowFormat::Csv(_) => header.map_or("\n", |header| header.line_end),
                RowFormat::Objects => "\n",
            },
            is_terminal: request.is_terminal,
        };
        let head = header.map_or(Vec::new(), |header| target.header_line(header));
        Ok((Self::Rows(Arc::new(target)), head))
    }

    /// The target of rows.
    pub(crate) fn rows(&self) -> Option<&Arc<ColumnTarget>> {
        match self {
            Self::Rows(target) => Some(target),
            Self::Report(_) | Self::Table(_) => None,
        }
    }

    /// The target of a table.
    pub(crate) fn table(&self) -> Option<&Arc<TableTarget>> {
        match self {
            Self::Table(target) => Some(target),
            Self::Report(_) | Self::Rows(_) => None,
        }
    }
}

fn report_format(wanted: Option<OutputFormat>) -> Result<ReportFormat, Error> {
    match wanted {
        None | Some(OutputFormat::Text) => Ok(ReportFormat::Text),
        Some(OutputFormat::Jsonl) => Ok(ReportFormat::Jsonl),
        Some(OutputFormat::Raw) => Ok(ReportFormat::Raw),
        Some(OutputFormat::Csv | OutputFormat::Tsv | OutputFormat::Parquet) => {
            Err(Error::TableWithoutColumn)
        }
    }
}

/// Whether rows of Parquet can be written as requested.
fn check_parquet(request: &OutputRequest<'_>, wanted: Option<OutputFormat>) -> Result<(), Error> {
    if wanted.is_some_and(|wanted| wanted != OutputFormat::Parquet) {
        return Err(Error::ParquetRowsElsewhere);
    }
    match request.file {
        None => Err(Error::ParquetToStream),
        Some(path) if Packing::of_path(path).0 != Packing::None => Err(Error::ParquetPacked),
        Some(_) if request.resume => Err(Error::ParquetNotResumable),
        Some(_) => Ok(()),
    }
}

fn row_format(format: &FormatKind, wanted: Option<OutputFormat>) -> Result<RowFormat, Error> {
    let own = match format {
        FormatKind::Csv { delimiter, .. } => RowFormat::Csv(*delimiter),
        FormatKind::Objects { .. } => RowFormat::Objects,
        FormatKind::Lines | FormatKind::Parquet { .. } => return Err(Error::LinesHaveNoColumns),
    };
    match wanted {
        None => Ok(own),
        Some(OutputFormat::Jsonl) => Ok(RowFormat::Objects),
        Some(OutputFormat::Text | OutputFormat::Raw) => Err(Error::ReportsHaveNoColumns),
        Some(OutputFormat::Csv | OutputFormat::Tsv) if own == RowFormat::Objects => {
            Err(Error::ObjectsAsTable)
        }
        Some(OutputFormat::Parquet) => Err(Error::OtherRowsAsParquet),
        Some(OutputFormat::Csv) => Ok(RowFormat::Csv(b',')),
        Some(OutputFormat::Tsv) => Ok(RowFormat::Csv(b'\t')),
    }
}
