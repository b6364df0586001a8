//! Writes a file of Parquet, which has its name once it is whole.

use std::fs::File;
use std::io;

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::target::ParquetTarget;
use crate::run::OutputPlace;

/// A file on its way.
pub(crate) struct ParquetFile {
    place: OutputPlace,
    writer: ArrowWriter<File>,
    /// The same file.
    file: File,
    /// The most bytes of a row group in memory.
    most: usize,
}

impl ParquetFile {
    /// Begins a file, in the place of what was written of it before. A row group
    /// that has `most` bytes in memory ends there.
    ///
    /// # Errors
    /// What the system says, or when the types of the columns cannot be written.
    pub(crate) fn create(
        place: OutputPlace,
        target: &ParquetTarget,
        most: usize,
    ) -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(target.compression)
            .set_created_by(concat!("kumiki ", env!("CARGO_PKG_VERSION")).to_owned())
            // Row groups end where those of the input do, if they are not too large.
            .set_max_row_group_row_count(None)
            .set_key_value_metadata(Some(target.notes.clone()))
            .build();
        let file = place.create()?;
        let writer =
            ArrowWriter::try_new(file.try_clone()?, target.schema.clone(), Some(properties))?;
        Ok(Self {
            place,
            writer,
            file,
            most,
        })
    }

    pub(crate) fn write(&mut self, rows: &RecordBatch, ends_group: bool) -> io::Result<()> {
        self.writer.write(rows)?;
        if ends_group || self.writer.memory_size() >= self.most {
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
        self.place.finish(&self.file)
    }
}
