//! Writes a file of Parquet, which has its name once it is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::target::ParquetTarget;
use crate::run::part;

/// A file on its way.
pub(crate) struct ParquetFile {
    path: PathBuf,
    part: PathBuf,
    writer: ArrowWriter<File>,
}

impl ParquetFile {
    /// Begins a file, in the place of what was written of it before.
    ///
    /// # Errors
    /// What the system says, or when the types of the columns cannot be written.
    pub(crate) fn create(path: &Path, target: &ParquetTarget) -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(target.compression)
            .set_created_by(concat!("kumiki ", env!("CARGO_PKG_VERSION")).to_owned())
            // Row groups end where those of the input do.
            .set_max_row_group_row_count(None)
            .set_key_value_metadata(Some(target.notes.clone()))
            .build();
        let part = part(path);
        let file = File::create(&part)?;
        let writer = ArrowWriter::try_new(file, target.schema.clone(), Some(properties))?;
        Ok(Self {
            path: path.to_owned(),
            part,
            writer,
        })
    }

    pub(crate) fn write(&mut self, rows: &RecordBatch, ends_group: bool) -> io::Result<()> {
        self.writer.write(rows)?;
        if ends_group {
            self.writer.flush()?;
        }
        Ok(())
    }

    /// Ends the file, so that it can be read as far as it goes.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn keep(&mut self) -> io::Result<()> {
        self.writer.finish()?;
        self.writer.inner().sync_data()
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.keep()?;
        fs::rename(&self.part, &self.path)
    }
}
