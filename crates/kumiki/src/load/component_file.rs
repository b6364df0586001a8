//! A plugin's file: opened once, looked at, and read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::SystemTime;

use crate::load::cache::FileIdentity;

/// A plugin's file that is open. What it looks like is asked of the open file,
/// not of its path, which may lead to another one by then.
pub(crate) struct ComponentFile {
    file: File,
    /// In bytes.
    pub(crate) length: usize,
    /// When it was looked at, and what it looked like.
    time: SystemTime,
    identity: Option<FileIdentity>,
}

impl ComponentFile {
    /// Opens a regular file. A pipe without a writer is not waited for.
    ///
    /// # Errors
    /// What the system says, and where it is no regular file and no folder.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let time = SystemTime::now();
        let file = open(path)?;
        let metadata = file.metadata()?;
        // To read a folder fails with the system's own words.
        if !metadata.is_file() && !metadata.is_dir() {
            let message = "it is not a regular file but a pipe, a device or a socket";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(Self {
            length: usize::try_from(metadata.len()).unwrap_or(usize::MAX),
            time,
            identity: FileIdentity::of(&metadata),
            file,
        })
    }

    /// All of it; none where it has more than `most` bytes, of which no more are
    /// read: it may grow.
    pub(crate) fn read(&self, most: usize) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::with_capacity(self.length.min(most));
        (&self.file)
            .take((most as u64).saturating_add(1))
            .read_to_end(&mut bytes)?;
        Ok((bytes.len() <= most).then_some(bytes))
    }

    /// What it looked like when it was opened, and when that was, if it looks so
    /// still: what was read in between is one file, and not the halves of two.
    pub(crate) fn unchanged(self) -> Option<(FileIdentity, SystemTime)> {
        let now = FileIdentity::of(&self.file.metadata().ok()?);
        let then = self.identity.filter(|then| now.as_ref() == Some(then));
        Some((then?, self.time))
    }
}

/// Opens a file to be read, without waiting for another process to write to it.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let mut options = File::options();
    options
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}
