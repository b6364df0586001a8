//! A plugin's file: opened once, looked at, and read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::SystemTime;

use crate::load::cache::Identity;

/// A plugin's file that is open. What it looks like is asked of the open file,
/// not of its path, which may lead to another one by then.
pub(crate) struct ComponentFile {
    file: File,
    /// In bytes; what the system says, which says nothing of a device.
    pub(crate) length: usize,
    /// When it was looked at, and what it looked like.
    time: SystemTime,
    identity: Option<Identity>,
}

impl ComponentFile {
    /// # Errors
    /// What the system says, and where it is not a regular file: a pipe would be
    /// waited for.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let time = SystemTime::now();
        let file = open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        Ok(Self {
            length: usize::try_from(metadata.len()).unwrap_or(usize::MAX),
            time,
            identity: Identity::of(&metadata),
            file,
        })
    }

    /// All of it; none where it has more than `most` bytes, of which no more are
    /// read: it may be a device without end.
    pub(crate) fn read(&self, most: usize) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::with_capacity(self.length.min(most));
        (&self.file)
            .take((most as u64).saturating_add(1))
            .read_to_end(&mut bytes)?;
        Ok((bytes.len() <= most).then_some(bytes))
    }

    /// What it looked like when it was opened, and when that was, if it looks so
    /// still: what was read in between is one file, and not the halves of two.
    pub(crate) fn unchanged(self) -> Option<(Identity, SystemTime)> {
        let now = Identity::of(&self.file.metadata().ok()?);
        let then = self.identity.filter(|then| now.as_ref() == Some(then));
        Some((then?, self.time))
    }
}

/// Opens a file to be read, without waiting for another process to write to it.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}
