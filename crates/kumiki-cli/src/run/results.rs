//! How results are written: by what was said, by the file's name, or as the
//! input is.

use std::path::Path;
use std::sync::Arc;

use super::form::Form;
use super::input::Inputs;
use super::packing::Packing;
use super::parquet::ParquetTarget;
use super::target::{RowForm, Target};
use crate::arguments::{Format, OutputFormat, RunArguments};
use crate::failure::Failure;

/// How results are written.
pub(crate) struct Results {
    pub(crate) format: Format,
    /// As [`super::Job::into`].
    pub(crate) into: Option<Target>,
    /// As [`super::Job::table`].
    pub(crate) table: Option<Arc<ParquetTarget>>,
    /// As [`super::Job::head`].
    pub(crate) head: Vec<u8>,
}

impl Results {
    /// As the arguments say; `terminal` is whether a person watches.
    pub(crate) fn new(
        arguments: &RunArguments,
        inputs: &Inputs,
        terminal: bool,
    ) -> Result<Self, Failure> {
        let (form, header) = (&inputs.form, inputs.header.as_ref());
        let by_name = || arguments.output_file.as_deref().and_then(OutputFormat::of);
        let wanted = arguments.output.or_else(by_name);
        let Some(name) = &arguments.into else {
            return without_rows(wanted);
        };
        if let (Form::Parquet { .. }, Some(metadata)) = (form, &inputs.metadata) {
            check_parquet(arguments, wanted)?;
            return Ok(Self {
                format: Format::Raw,
                into: None,
                table: Some(Arc::new(ParquetTarget::new(metadata, name))),
                head: Vec::new(),
            });
        }
        let form = row_form(form, wanted)?;
        let target = Target {
            name: name.clone(),
            form,
            end: match form {
                RowForm::Table(_) => header.map_or("\n", |header| header.end),
                RowForm::Objects => "\n",
            },
            terminal,
        };
        Ok(Self {
            format: Format::Raw,
            head: header.map_or(Vec::new(), |header| target.head(header)),
            into: Some(target),
            table: None,
        })
    }
}

fn without_rows(wanted: Option<OutputFormat>) -> Result<Results, Failure> {
    let format = match wanted {
        None | Some(OutputFormat::Text) => Format::Text,
        Some(OutputFormat::Jsonl) => Format::Jsonl,
        Some(OutputFormat::Raw) => Format::Raw,
        Some(OutputFormat::Csv | OutputFormat::Tsv | OutputFormat::Parquet) => {
            return Err(Failure::wrong_use(
                "a table needs a column for the results, and none is named",
                "name it beside the one that records come from: `--field NAME --into NAME`",
            ));
        }
    };
    Ok(Results {
        format,
        into: None,
        table: None,
        head: Vec::new(),
    })
}

/// Whether rows of Parquet can be written as it was said.
fn check_parquet(arguments: &RunArguments, wanted: Option<OutputFormat>) -> Result<(), Failure> {
    if wanted.is_some_and(|wanted| wanted != OutputFormat::Parquet) {
        return Err(Failure::wrong_use(
            "rows of Parquet have types that other formats do not, and are written as Parquet",
            "name the file so, `--output-file FILE.parquet`, or leave out `--into`",
        ));
    }
    match &arguments.output_file {
        None => Err(Failure::wrong_use(
            "Parquet is written to a file, not to standard output",
            "name it: `--output-file FILE.parquet`",
        )),
        Some(path) if Packing::of(path).0 != Packing::None => Err(Failure::wrong_use(
            "Parquet is packed within, column by column",
            "leave out `.gz` or `.zst`",
        )),
        Some(_) if arguments.resume => Err(Failure::wrong_use(
            "a file of Parquet cannot be gone on with: what it holds is written at its end",
            "leave out `--resume`; lines, JSON and CSV can be gone on with",
        )),
        Some(_) => Ok(()),
    }
}

/// What rows are written as.
fn row_form(form: &Form, wanted: Option<OutputFormat>) -> Result<RowForm, Failure> {
    let own = match form {
        Form::Table { dialect, .. } => RowForm::Table(dialect.delimiter),
        Form::Objects { .. } => RowForm::Objects,
        Form::Lines | Form::Parquet { .. } => {
            return Err(Failure::wrong_use(
                "lines have no columns that results could go into",
                "leave out `--into`",
            ));
        }
    };
    match wanted {
        None => Ok(own),
        Some(OutputFormat::Jsonl) => Ok(RowForm::Objects),
        Some(OutputFormat::Text | OutputFormat::Raw) => Err(Failure::wrong_use(
            "`text` and `raw` have no columns that results could go into",
            "leave out `--into`, or write rows: `--output csv`, `tsv` or `jsonl`",
        )),
        Some(OutputFormat::Csv | OutputFormat::Tsv) if own == RowForm::Objects => {
            Err(Failure::wrong_use(
                "each JSON object has keys of its own, and a table the same columns in each row",
                "write objects: `--output jsonl`",
            ))
        }
        Some(OutputFormat::Parquet) => Err(Failure::wrong_use(
            "only rows of Parquet are written as Parquet",
            "write rows as they are read, or as `--output csv`, `tsv` or `jsonl`",
        )),
        Some(OutputFormat::Csv) => Ok(RowForm::Table(b',')),
        Some(OutputFormat::Tsv) => Ok(RowForm::Table(b'\t')),
    }
}

impl OutputFormat {
    /// What a file's name says that it is to hold, packed or not.
    fn of(path: &Path) -> Option<Self> {
        let (_, name) = Packing::of(path);
        match name.rsplit_once('.')?.1 {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}
