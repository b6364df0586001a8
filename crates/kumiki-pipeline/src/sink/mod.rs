//! Where results are written: a stream, a file of bytes, or a Parquet file.

pub(crate) mod output_file;
pub(crate) mod output_folder;
pub(crate) mod part_file;

use std::io::{self, BufWriter, Write};

use crate::formats::parquet::table::TablePart;
use crate::formats::parquet::write::ParquetWriter;
use crate::journal::Position;
use part_file::PartFile;

/// Where results are written.
pub(crate) enum Sink {
    Stream(BufWriter<Box<dyn Write + Send>>),
    File(Box<PartFile>),
    Table(Box<ParquetWriter>),
}

/// Bytes that are collected before a stream is written to.
const BUFFER: usize = 64 * 1024;

impl Sink {
    pub(crate) fn stream(out: Box<dyn Write + Send>) -> Self {
        Self::Stream(BufWriter::with_capacity(BUFFER, out))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.write_all(bytes),
            Self::File(file) => file.write(bytes),
            // A table is written by `write_rows` alone.
            Self::Table(_) => Ok(()),
        }
    }

    /// Writes rows of a table.
    pub(crate) fn write_rows(&mut self, rows: &TablePart) -> io::Result<()> {
        match self {
            Self::Stream(_) | Self::File(_) => Ok(()),
            Self::Table(file) => file.write(rows),
        }
    }

    /// Passes everything that is written to the reader of a stream. No one reads an
    /// incomplete file.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.flush(),
            Self::File(_) | Self::Table(_) => Ok(()),
        }
    }

    /// Writes the bytes before the first result.
    pub(crate) fn begin(&mut self, head: &[u8]) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.write_all(head),
            Self::File(file) => file.begin(head),
            Self::Table(_) => Ok(()),
        }
    }

    /// Whether it is time for [`Sink::checkpoint`].
    pub(crate) fn is_checkpoint_due(&self) -> bool {
        match self {
            Self::Stream(_) | Self::Table(_) => false,
            Self::File(file) => file.is_checkpoint_due(),
        }
    }

    /// Brings everything that is written to the disk, and keeps the state of the run:
    /// the position of the results in the input, and how many of them are missing.
    pub(crate) fn checkpoint(&mut self, position: Position, failed: u64) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.flush(),
            Self::File(file) => file.checkpoint(position, failed),
            Self::Table(file) => file.complete(),
        }
    }

    /// Ends the output after the last result.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self {
            Self::Stream(mut stream) => stream.flush(),
            Self::File(file) => file.finish(),
            Self::Table(file) => file.finish(),
        }
    }
}
