//! Reading of a component's file, with detection of changes while it is read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::SystemTime;

use crate::load::cache::FileIdentity;

/// A component's file, opened. Its identity is that of the open file, not of the path,
/// which may lead to another file by now.
pub(crate) struct ComponentFile {
    file: File,
    /// In bytes.
    pub(crate) length: usize,
    /// The time just before the file was opened.
    time: SystemTime,
    /// The identity when the file was opened.
    identity: Option<FileIdentity>,
}

impl ComponentFile {
    /// Opens a regular file. Does not block on a pipe without a writer.
    ///
    /// # Errors
    /// I/O errors, and an error for anything but a regular file or a folder.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let time = SystemTime::now();
        let file = open(path)?;
        let metadata = file.metadata()?;
        // Reading a folder fails with the system's own error.
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

    /// Reads the whole file; returns `None` if it has more than `most` bytes. Reads at
    /// most one byte more, because the file may grow.
    pub(crate) fn read(&self, most: usize) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::with_capacity(self.length.min(most));
        (&self.file)
            .take((most as u64).saturating_add(1))
            .read_to_end(&mut bytes)?;
        Ok((bytes.len() <= most).then_some(bytes))
    }

    /// Returns the file's identity and the time when it was opened, if the identity is
    /// still the same. The bytes read in between are then of one version of the file.
    pub(crate) fn unchanged(self) -> Option<(FileIdentity, SystemTime)> {
        let now = FileIdentity::of(&self.file.metadata().ok()?);
        let then = self.identity.filter(|then| now.as_ref() == Some(then));
        Some((then?, self.time))
    }
}

/// Opens a file for reading without waiting for a writer.
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
