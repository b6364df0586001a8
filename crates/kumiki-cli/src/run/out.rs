//! Where results are written.

use std::io::{self, BufWriter, Write};

use arrow_array::RecordBatch;

use super::journal::Mark;
use super::parquet::ParquetFile;
use super::part_file::PartFile;

/// Standard output, or a file.
pub(super) enum Out {
    Stream(BufWriter<Box<dyn Write>>),
    File(Box<PartFile>),
    Table(Box<ParquetFile>),
}

impl Out {
    pub(super) fn stream(out: Box<dyn Write>) -> Self {
        Self::Stream(BufWriter::with_capacity(64 * 1024, out))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.write_all(bytes),
            Self::File(file) => file.write(bytes),
            // Its rows are written by themselves, and there is nothing else.
            Self::Table(_) => Ok(()),
        }
    }

    /// Writes rows of a table; see [`ParquetFile`].
    pub(super) fn rows(&mut self, rows: &RecordBatch, ends_group: bool) -> io::Result<()> {
        match self {
            Self::Stream(_) | Self::File(_) => Ok(()),
            Self::Table(file) => file.write(rows, ends_group),
        }
    }

    /// Gives what is written so far to whoever reads it. Nobody reads a file
    /// that is not there yet.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.flush(),
            Self::File(_) | Self::Table(_) => Ok(()),
        }
    }

    /// Writes what stands before the first result.
    pub(super) fn begin(&mut self, head: &[u8]) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.write_all(head),
            Self::File(file) => file.begin(head),
            Self::Table(_) => Ok(()),
        }
    }

    /// Whether it is time to [`Out::keep`] what is written.
    pub(super) fn is_due(&self) -> bool {
        match self {
            Self::Stream(_) | Self::Table(_) => false,
            Self::File(file) => file.is_due(),
        }
    }

    /// Makes what is written so far last: the results up to `mark`, of which so
    /// many are missing.
    pub(super) fn keep(&mut self, mark: Mark, failed: u64) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.flush(),
            Self::File(file) => file.keep(mark, failed),
            Self::Table(file) => file.keep(),
        }
    }

    /// All is written.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Stream(mut stream) => stream.flush(),
            Self::File(file) => file.finish(),
            Self::Table(file) => file.finish(),
        }
    }
}
