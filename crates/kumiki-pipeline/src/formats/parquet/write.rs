//! Writes a Parquet file, which gets its name when it is complete.

use std::fs::File;
use std::io;

use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::table::{TablePart, TableTarget};
use crate::files::part_path::PartPath;

/// A file that is being written.
pub(crate) struct ParquetWriter {
    path: PartPath,
    writer: ArrowWriter<File>,
    /// The same file.
    file: File,
    /// Maximum bytes of a row group in memory.
    group_limit: usize,
}

impl ParquetWriter {
    /// Creates a file. A file that an earlier run began is removed. A row group ends
    /// when it has `group_limit` bytes in memory.
    ///
    /// # Errors
    /// I/O errors, and an error if the types of the columns cannot be written.
    pub(crate) fn create(
        path: PartPath,
        target: &TableTarget,
        group_limit: usize,
    ) -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(target.compression)
            .set_created_by(concat!("kumiki ", env!("CARGO_PKG_VERSION")).to_owned())
            // Row groups end where those of the input do, unless they are too large.
            .set_max_row_group_row_count(None)
            .set_key_value_metadata(Some(target.metadata.clone()))
            .build();
        let file = path.create()?;
        let writer =
            ArrowWriter::try_new(file.try_clone()?, target.schema.clone(), Some(properties))?;
        Ok(Self {
            path,
            writer,
            file,
            group_limit,
        })
    }

    pub(crate) fn write(&mut self, part: &TablePart) -> io::Result<()> {
        self.writer.write(&part.rows)?;
        if part.ends_group || self.writer.memory_size() >= self.group_limit {
            self.writer.flush()?;
        }
        Ok(())
    }

    /// Writes the footer and brings the file to the disk, so that it can be read as
    /// far as it goes.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn complete(&mut self) -> io::Result<()> {
        self.writer.finish()?;
        self.writer.inner().sync_data()
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.complete()?;
        self.path.finish(&self.file)
    }
}
