//! A file of bytes that is being written, compressed as its extension says.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::files::folder::file_number;
use crate::files::packing::Packing;
use crate::files::part_path::PartPath;
use crate::journal::{Journal, Position};

/// A file that is being written.
pub(crate) struct PartFile {
    path: PartPath,
    packing: Packing,
    file: File,
    /// The encoder of the bytes. `None` after [`PartFile::settle`].
    stream: Option<Stream>,
    /// Keeps the state of the run, if it can be resumed.
    journal: Option<Journal>,
    /// Whether an earlier run has written a part of the file.
    is_resumed: bool,
}

enum Stream {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<File>),
    Zstd(zstd::Encoder<'static, File>),
}

impl PartFile {
    /// Creates a file. A file that an earlier run began is removed.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn create(path: PartPath, mut journal: Option<Journal>) -> io::Result<Self> {
        let file = path.create()?;
        if let Some(journal) = &mut journal {
            journal.set_file(file_number(&file)?);
        }
        Ok(Self::new(path, file, journal))
    }

    /// Continues a file after its first `bytes` bytes.
    ///
    /// # Errors
    /// I/O errors, and an error if the file is shorter.
    pub(crate) fn resume(
        path: PartPath,
        mut file: File,
        bytes: u64,
        journal: Journal,
    ) -> io::Result<Self> {
        if file.metadata()?.len() < bytes {
            return Err(io::Error::other(format!(
                "it is shorter than the {bytes} bytes that were written to it"
            )));
        }
        file.set_len(bytes)?;
        file.seek(io::SeekFrom::End(0))?;
        Ok(Self {
            is_resumed: true,
            ..Self::new(path, file, Some(journal))
        })
    }

    fn new(path: PartPath, file: File, journal: Option<Journal>) -> Self {
        let (packing, _) = Packing::of_path(Path::new(&path.name));
        Self {
            path,
            packing,
            file,
            stream: None,
            journal,
            is_resumed: false,
        }
    }

    /// Writes the bytes before the first result, unless an earlier run did.
    pub(crate) fn begin(&mut self, head: &[u8]) -> io::Result<()> {
        if self.is_resumed {
            return Ok(());
        }
        self.write(head)?;
        self.checkpoint(Position::default(), 0)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.stream()? {
            Stream::Plain(stream) => stream.write_all(bytes),
            Stream::Gzip(stream) => stream.write_all(bytes),
            Stream::Zstd(stream) => stream.write_all(bytes),
        }
    }

    fn stream(&mut self) -> io::Result<&mut Stream> {
        if self.stream.is_none() {
            let file = self.file.try_clone()?;
            self.stream = Some(match self.packing {
                Packing::None => Stream::Plain(BufWriter::with_capacity(64 * 1024, file)),
                Packing::Gzip => Stream::Gzip(GzEncoder::new(file, Compression::default())),
                Packing::Zstd => Stream::Zstd(zstd::Encoder::new(file, 0)?),
            });
        }
        self.stream
            .as_mut()
            .ok_or_else(|| io::Error::other("there is no stream"))
    }

    /// Brings all bytes to the disk, so that the file could end here. A compressed
    /// file continues with another frame. Returns the length of the file.
    ///
    /// # Errors
    /// I/O errors.
    fn settle(&mut self) -> io::Result<u64> {
        match self.stream.take() {
            None => {}
            Some(Stream::Plain(mut stream)) => stream.flush()?,
            Some(Stream::Gzip(stream)) => drop(stream.finish()?),
            Some(Stream::Zstd(stream)) => drop(stream.finish()?),
        }
        self.file.sync_data()?;
        self.file.stream_position()
    }

    /// Whether it is time for [`PartFile::checkpoint`].
    pub(crate) fn is_checkpoint_due(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::is_due)
    }

    /// Brings all bytes to the disk and keeps the state of the run.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn checkpoint(&mut self, position: Position, failed: u64) -> io::Result<()> {
        let start = Instant::now();
        let bytes = self.settle()?;
        match &mut self.journal {
            Some(journal) => journal.write(start, bytes, position, failed),
            None => Ok(()),
        }
    }

    /// Gives the complete file its name.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if self.settle()? == 0 {
            // A compressed file without content has bytes.
            self.stream()?;
            self.settle()?;
        }
        self.path.finish(&self.file)?;
        match &self.journal {
            Some(journal) => journal.remove(),
            None => Ok(()),
        }
    }
}
