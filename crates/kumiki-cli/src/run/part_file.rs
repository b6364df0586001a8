//! The file that results are written to. Until all of them are there it has
//! another name, with `.part` behind it: what stands under its own name is whole.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::journal::{Journal, Mark};
use super::packing::Packing;
use crate::files::{Folder, behind, number};

/// A file on its way.
pub(crate) struct PartFile {
    place: OutputPlace,
    packing: Packing,
    file: File,
    /// What is written goes through this; none after [`PartFile::settle`].
    stream: Option<Stream>,
    /// What it can be gone on with, if it can.
    journal: Option<Journal>,
    /// Whether something of it was there before.
    resumed: bool,
}

enum Stream {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<File>),
    Zstd(zstd::Encoder<'static, File>),
}

/// Where a file is written: its folder, which is open, its name in it, and the
/// name that it has until it is whole.
#[derive(Clone)]
pub(crate) struct OutputPlace {
    pub(crate) folder: Folder,
    name: OsString,
    pub(crate) part: OsString,
}

impl OutputPlace {
    /// # Errors
    /// When the folder cannot be opened.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let (folder, name) = Folder::of(path)?;
        let part = behind(&name, PART);
        Ok(Self { folder, name, part })
    }

    /// What has the file's name, if it is no regular file.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn special(&self) -> io::Result<Option<&'static str>> {
        self.folder.special(&self.name)
    }

    /// Begins the file, in the place of what was written of it before.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn create(&self) -> io::Result<File> {
        self.folder.create(&self.part)
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// What the system says, and when it is another file by now.
    pub(crate) fn finish(&self, file: &File) -> io::Result<()> {
        self.folder.rename(file, &self.part, &self.name)
    }
}

const PART: &str = ".part";

/// The path of a file that is not whole yet.
pub(crate) fn part(path: &Path) -> PathBuf {
    behind(path.as_os_str(), PART).into()
}

impl PartFile {
    /// Begins a file, in the place of what was written of it before.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn create(place: OutputPlace, journal: Option<Journal>) -> io::Result<Self> {
        let file = place.create()?;
        let mut journal = journal;
        if let Some(journal) = &mut journal {
            journal.is_of(number(&file)?);
        }
        Ok(Self::with(place, file, journal))
    }

    /// Goes on with a file of which so many bytes are good.
    ///
    /// # Errors
    /// What the system says, and when it has fewer.
    pub(crate) fn resume(
        place: OutputPlace,
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
            resumed: true,
            ..Self::with(place, file, Some(journal))
        })
    }

    fn with(place: OutputPlace, file: File, journal: Option<Journal>) -> Self {
        let (packing, _) = Packing::of(Path::new(&place.name));
        Self {
            place,
            packing,
            file,
            stream: None,
            journal,
            resumed: false,
        }
    }

    /// Writes what stands before the first result, unless it is there already.
    pub(super) fn begin(&mut self, head: &[u8]) -> io::Result<()> {
        if self.resumed {
            return Ok(());
        }
        self.write(head)?;
        self.keep(Mark::default(), 0)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
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

    /// Brings everything to the disk, so that the file could end here: how many
    /// bytes it has. A packed one goes on with a part of its own.
    ///
    /// # Errors
    /// What the system says.
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

    /// Whether it is time to [`PartFile::keep`] what is written.
    pub(super) fn is_due(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::is_due)
    }

    /// Makes what is written so far last: the results up to `mark`, of which so
    /// many are missing.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep(&mut self, mark: Mark, failed: u64) -> io::Result<()> {
        let start = Instant::now();
        let bytes = self.settle()?;
        match &mut self.journal {
            Some(journal) => journal.keep(start, bytes, mark, failed),
            None => Ok(()),
        }
    }

    /// Whether it can be gone on with after an interrupt.
    pub(crate) fn can_resume(&self) -> bool {
        self.journal.is_some()
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.settle()? == 0 {
            // Packed, even nothing is something.
            self.stream()?;
            self.settle()?;
        }
        self.place.finish(&self.file)?;
        match &self.journal {
            Some(journal) => journal.remove(),
            None => Ok(()),
        }
    }
}
