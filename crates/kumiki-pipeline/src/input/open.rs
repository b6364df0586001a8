//! Opens the inputs of a run and checks that they have the requested columns.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use super::Input;
use crate::error::Error;
use crate::files::packing::Packing;
use crate::files::source::{ByteCounter, ByteSource, counted, open};
use crate::formats::csv::header::{ColumnError, CsvHeader, CsvTable, TableError};
use crate::formats::format::FormatKind;
use crate::formats::parquet::read::{ParquetReader, SelectError};

/// Maximum number of tables that stay open from the check of their columns to the end of
/// their rows. Further tables are opened a second time, because each open one takes
/// a file descriptor and memory.
const MAX_OPEN: usize = 64;

/// Maximum memory of the tables that stay open, in bytes.
const MAX_OPEN_BYTES: usize = 160 << 20;

/// The inputs of a run.
pub(crate) struct OpenInputs {
    pub(crate) list: Vec<OpenInput>,
    pub(crate) format: FormatKind,
    /// The header of the first CSV table. Where rows are written, all tables have
    /// the same columns.
    pub(crate) header: Option<CsvHeader>,
    /// The schema and footer of the first Parquet table.
    pub(crate) metadata: Option<ArrowReaderMetadata>,
    pub(crate) options: InputOptions,
    /// Number of tables that stay open, and their memory in bytes.
    open: (usize, usize),
}

/// The settings that inputs are opened with.
#[derive(Clone, Copy)]
pub(crate) struct InputOptions {
    /// The longest line, row or value that is a record, in bytes.
    pub(crate) line_limit: usize,
    /// Whether results are written into the rows.
    pub(crate) keeps_rows: bool,
}

/// One input, checked.
pub(crate) struct OpenInput {
    /// The name in results and messages.
    pub(crate) name: String,
    /// The file, if it is one.
    pub(crate) file: Option<InputFile>,
    pub(crate) content: Content,
}

/// What is known of a file without reading it.
pub(crate) struct InputFile {
    pub(crate) path: PathBuf,
    /// The size in bytes, as it is stored.
    pub(crate) size: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub(crate) modified: u128,
}

/// Where the records of an input are read from.
pub(crate) enum Content {
    Text(String),
    Stream(ByteSource, ByteCounter),
    /// A file that is opened when it is read.
    Closed(PathBuf),
    /// A table whose header is read.
    Csv(Box<CsvTable>),
    /// A table whose footer is read.
    Parquet(Box<ParquetReader>),
}

impl OpenInputs {
    /// Opens and checks all inputs.
    pub(crate) fn open(
        inputs: Vec<Input>,
        format: FormatKind,
        options: InputOptions,
    ) -> Result<Self, Error> {
        let mut opened = Self {
            list: Vec::with_capacity(inputs.len()),
            format,
            header: None,
            metadata: None,
            options,
            open: (0, 0),
        };
        for input in inputs {
            let input = match input {
                // A string has no columns, whatever the format is.
                Input::Text(_) if options.keeps_rows => return Err(Error::LinesHaveNoColumns),
                Input::Text(text) => OpenInput {
                    name: "-".to_owned(),
                    file: None,
                    content: Content::Text(text),
                },
                Input::Stream { name, reader } => opened.stream(name, reader)?,
                Input::File(path) => opened.file(path)?,
            };
            opened.list.push(input);
        }
        Ok(opened)
    }

    /// The size of all inputs in bytes, if all are files.
    pub(crate) fn total_bytes(&self) -> Option<u64> {
        let sizes = self.list.iter().map(|input| input.file.as_ref());
        sizes.map(|file| Some(file?.size)).sum()
    }

    /// The paths of the inputs, if all are files.
    pub(crate) fn are_files(&self) -> bool {
        !self.list.is_empty() && self.list.iter().all(|input| input.file.is_some())
    }

    fn file(&mut self, path: PathBuf) -> Result<OpenInput, Error> {
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(source) => return Err(Error::Input { path, source }),
        };
        if metadata.is_dir() {
            return Err(Error::InputIsFolder { path });
        }
        let name = path.display().to_string();
        let content = self.content(&name, &path)?;
        Ok(OpenInput {
            name,
            file: Some(InputFile::new(path, &metadata)),
            content,
        })
    }

    /// Reads the header or footer of a table.
    fn content(&mut self, name: &str, path: &Path) -> Result<Content, Error> {
        let InputOptions {
            line_limit,
            keeps_rows,
        } = self.options;
        let (content, bytes) = match &self.format {
            FormatKind::Lines | FormatKind::Objects { .. } => {
                return Ok(Content::Closed(path.to_owned()));
            }
            FormatKind::Csv { delimiter, .. } => {
                let table = CsvTable::open(path, *delimiter, line_limit)
                    .map_err(|error| not_a_table(name, &error))?;
                self.check_header(name, &table.header)?;
                let bytes = decoder_bytes(path);
                (Content::Csv(Box::new(table)), bytes)
            }
            FormatKind::Parquet { field } => {
                let reader = open_parquet(name, path, field, self.options)?;
                let metadata = reader.metadata();
                match &self.metadata {
                    Some(first)
                        if keeps_rows && first.schema().fields() != metadata.schema().fields() =>
                    {
                        return Err(other_columns(name));
                    }
                    Some(_) => {}
                    None => self.metadata = Some(metadata.clone()),
                }
                let bytes = metadata.metadata().memory_size();
                (Content::Parquet(Box::new(reader)), bytes)
            }
        };
        let (count, total) = self.open;
        let open = (count + 1, total.saturating_add(bytes));
        if open.0 > MAX_OPEN || open.1 > MAX_OPEN_BYTES {
            return Ok(Content::Closed(path.to_owned()));
        }
        self.open = open;
        Ok(content)
    }

    fn stream(&mut self, name: String, reader: ByteSource) -> Result<OpenInput, Error> {
        let (reader, counter) = counted(reader);
        let reader: ByteSource = Box::new(reader);
        let content = match &self.format {
            FormatKind::Parquet { .. } => return Err(Error::ParquetFromStream),
            FormatKind::Lines | FormatKind::Objects { .. } => Content::Stream(reader, counter),
            FormatKind::Csv { delimiter, .. } => {
                let limit = self.options.line_limit;
                let table = CsvTable::read(reader, counter, *delimiter, limit)
                    .map_err(|error| not_a_table(&name, &error))?;
                self.check_header(&name, &table.header)?;
                Content::Csv(Box::new(table))
            }
        };
        Ok(OpenInput {
            name,
            file: None,
            content,
        })
    }

    fn check_header(&mut self, name: &str, header: &CsvHeader) -> Result<(), Error> {
        if let FormatKind::Csv { field, .. } = &self.format {
            header.find(field).map_err(|error| match error {
                ColumnError::Missing => Error::NoSuchColumn {
                    name: name.to_owned(),
                    field: field.clone(),
                    columns: header.columns.clone(),
                },
                ColumnError::Ambiguous => Error::AmbiguousColumn {
                    name: name.to_owned(),
                    field: field.clone(),
                },
            })?;
        }
        match &self.header {
            Some(first) if self.options.keeps_rows && first.columns != header.columns => {
                Err(other_columns(name))
            }
            Some(_) => Ok(()),
            None => {
                self.header = Some(header.clone());
                Ok(())
            }
        }
    }
}

impl OpenInput {
    /// The size in bytes, if the input is a file.
    pub(crate) fn size(&self) -> Option<u64> {
        self.file.as_ref().map(|file| file.size)
    }
}

impl InputFile {
    fn new(path: PathBuf, metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok();
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self {
            path,
            size: metadata.len(),
            modified: modified.map_or(0, |time| time.as_nanos()),
        }
    }
}

impl Content {
    /// Opens a file that is not open yet. A table must still have the column `field`
    /// that it had when it was checked.
    pub(crate) fn reopen(
        path: &Path,
        format: &FormatKind,
        options: InputOptions,
    ) -> io::Result<Self> {
        match format {
            FormatKind::Lines | FormatKind::Objects { .. } => {
                let (source, counter) = open(path)?;
                Ok(Self::Stream(source, counter))
            }
            FormatKind::Csv { delimiter, .. } => {
                let table = CsvTable::open(path, *delimiter, options.line_limit)?;
                Ok(Self::Csv(Box::new(table)))
            }
            FormatKind::Parquet { field } => {
                let mut reader =
                    ParquetReader::open(path, options.line_limit).map_err(io::Error::other)?;
                let selected = reader.select(field, options.keeps_rows);
                selected.map_err(|_| io::Error::other("its columns are no longer those"))?;
                Ok(Self::Parquet(Box::new(reader)))
            }
        }
    }
}

/// Maximum memory that reading a compressed or plain file takes, in bytes. A frame
/// of zstd may ask for a window of 128 MiB.
fn decoder_bytes(path: &Path) -> usize {
    match Packing::of_path(path).0 {
        Packing::Zstd => 128 << 20,
        Packing::None | Packing::Gzip => 128 << 10,
    }
}

fn open_parquet(
    name: &str,
    path: &Path,
    field: &str,
    options: InputOptions,
) -> Result<ParquetReader, Error> {
    let opened = ParquetReader::open(path, options.line_limit);
    let mut reader = opened.map_err(|reason| Error::NotParquet {
        name: name.to_owned(),
        reason,
    })?;
    let (name, field) = (name.to_owned(), field.to_owned());
    match reader.select(&field, options.keeps_rows) {
        Ok(()) => Ok(reader),
        Err(SelectError::Missing(columns)) => Err(Error::NoSuchColumn {
            name,
            field,
            columns,
        }),
        Err(SelectError::NoTexts(kind)) => Err(Error::NoTexts { name, field, kind }),
    }
}

fn not_a_table(name: &str, error: &TableError) -> Error {
    Error::NotATable {
        name: name.to_owned(),
        reason: error.to_string(),
    }
}

fn other_columns(name: &str) -> Error {
    Error::OtherColumns {
        name: name.to_owned(),
    }
}
