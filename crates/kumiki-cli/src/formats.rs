//! Formats of inputs and results, as values of arguments.

use clap::ValueEnum;

/// Format of the input files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// One record per line
    Lines,
    /// One JSON object per line; the record is the text of --field
    Jsonl,
    /// Rows of fields with a header; --field names a column
    Csv,
    /// Like csv, with tabs between fields
    Tsv,
    /// Parquet rows; --field names a column of strings
    Parquet,
}

/// Format of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people: the plugin, its output and its metadata
    Text,
    /// For programs: one JSON object per line, with errors; the rows, with --into
    Jsonl,
    /// Only the outputs, one per line
    Raw,
    /// The rows of a table, with --into
    Csv,
    /// Like csv, with tabs between fields
    Tsv,
    /// The Parquet rows, with --into
    Parquet,
}

impl From<InputFormat> for kumiki_pipeline::InputFormat {
    fn from(format: InputFormat) -> Self {
        match format {
            InputFormat::Lines => Self::Lines,
            InputFormat::Jsonl => Self::Jsonl,
            InputFormat::Csv => Self::Csv,
            InputFormat::Tsv => Self::Tsv,
            InputFormat::Parquet => Self::Parquet,
        }
    }
}

impl From<OutputFormat> for kumiki_pipeline::OutputFormat {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Text => Self::Text,
            OutputFormat::Jsonl => Self::Jsonl,
            OutputFormat::Raw => Self::Raw,
            OutputFormat::Csv => Self::Csv,
            OutputFormat::Tsv => Self::Tsv,
            OutputFormat::Parquet => Self::Parquet,
        }
    }
}
