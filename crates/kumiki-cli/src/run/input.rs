//! What a run reads.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use super::form::{Form, no_parquet, no_table, no_texts};
use super::parquet::ParquetReader;
use super::table::{Header, Table};
use crate::arguments::RunArguments;
use crate::failure::Failure;

/// One thing to read.
pub(crate) enum Input {
    /// A string, which is one record.
    Text(String),
    Stdin,
    File(PathBuf),
    /// Standard input, of which the header is read.
    Table(Box<Table>),
}

/// All that a run reads, and what it holds.
pub(crate) struct Inputs {
    pub(crate) list: Vec<Input>,
    pub(crate) form: Form,
    /// Of tables that of the first one. Where rows are written again, all have
    /// the same columns.
    pub(crate) header: Option<Header>,
    /// The same of files of Parquet.
    pub(crate) metadata: Option<ArrowReaderMetadata>,
    /// The longest line, or value, that is a record.
    line_limit: usize,
}

/// What the arguments name. Of tables the header is read.
pub(crate) fn find_inputs(arguments: &RunArguments) -> Result<Inputs, Failure> {
    let form = Form::of(arguments)?;
    let mut inputs = Inputs {
        list: Vec::new(),
        form,
        header: None,
        metadata: None,
        line_limit: arguments.line_limit,
    };
    if let Some(text) = &arguments.text {
        inputs.list.push(Input::Text(text.clone()));
        return Ok(inputs);
    }
    let same = arguments.into.is_some();
    if arguments.files.is_empty() {
        if io::stdin().is_terminal() {
            return Err(Failure::wrong_use(
                "there is nothing to read",
                "give `--text STRING` or a file, or pipe text in; `-` reads from the terminal",
            ));
        }
        inputs.stdin(same)?;
        return Ok(inputs);
    }
    for path in &arguments.files {
        inputs.add(path, same)?;
    }
    Ok(inputs)
}

impl Inputs {
    fn add(&mut self, path: &Path, same: bool) -> Result<(), Failure> {
        if path.as_os_str() == "-" {
            return self.stdin(same);
        }
        let metadata = std::fs::metadata(path).map_err(|error| {
            Failure::path(
                "file",
                path,
                &error,
                "check the path, relative to the current folder",
            )
        })?;
        if metadata.is_dir() {
            return Err(Failure::wrong_use(
                format!("`{}` is a folder, not a file", path.display()),
                "name the files in it; plugins are named with `-p`",
            ));
        }
        if let Form::Table { dialect, .. } = self.form {
            let name = path.display().to_string();
            let table = Table::open(path, dialect).map_err(|error| no_table(&name, &error))?;
            self.check(&name, table.header, same)?;
        }
        if let Form::Parquet { field } = &self.form {
            let name = path.display().to_string();
            let mut reader = ParquetReader::open(path, self.line_limit)
                .map_err(|error| no_parquet(&name, &error))?;
            let selected = reader.select(field, same);
            selected.map_err(|error| no_texts(&name, field, &error))?;
            self.check_metadata(&name, reader.metadata(), same)?;
        }
        self.list.push(Input::File(path.to_owned()));
        Ok(())
    }

    fn check_metadata(
        &mut self,
        name: &str,
        metadata: &ArrowReaderMetadata,
        same: bool,
    ) -> Result<(), Failure> {
        match &self.metadata {
            Some(first) if same && first.schema().fields() != metadata.schema().fields() => {
                Err(other_columns(name))
            }
            Some(_) => Ok(()),
            None => {
                self.metadata = Some(metadata.clone());
                Ok(())
            }
        }
    }

    /// A table's header is read before anything is done, and cannot be read twice.
    fn stdin(&mut self, same: bool) -> Result<(), Failure> {
        if let Form::Parquet { .. } = self.form {
            return Err(Failure::wrong_use(
                "Parquet cannot be read from standard input: what it holds stands at its end",
                "name a file",
            ));
        }
        let Form::Table { dialect, .. } = self.form else {
            self.list.push(Input::Stdin);
            return Ok(());
        };
        let table = Table::stdin(dialect).map_err(|error| no_table("-", &error))?;
        self.check("-", table.header.clone(), same)?;
        self.list.push(Input::Table(Box::new(table)));
        Ok(())
    }

    fn check(&mut self, name: &str, header: Header, same: bool) -> Result<(), Failure> {
        self.form.check(name, &header)?;
        match &self.header {
            Some(first) if same && first.columns != header.columns => Err(other_columns(name)),
            Some(_) => Ok(()),
            None => {
                self.header = Some(header);
                Ok(())
            }
        }
    }
}

fn other_columns(name: &str) -> Failure {
    Failure::wrong_use(
        format!("the columns of `{name}` are not those of the files before it"),
        "rows of one table have the same columns: run it by itself",
    )
}

impl Input {
    /// What it is called in messages and results.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Text(_) | Self::Stdin | Self::Table(_) => "-".to_owned(),
        }
    }

    /// Its size in bytes, if it is a file.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::File(path) => Some(std::fs::metadata(path).ok()?.len()),
            Self::Text(_) | Self::Stdin | Self::Table(_) => None,
        }
    }

    /// The size of all inputs together in bytes, if all are files.
    pub(crate) fn total(inputs: &[Self]) -> Option<u64> {
        inputs.iter().map(Self::size).sum()
    }
}
