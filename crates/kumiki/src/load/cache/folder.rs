//! The cache folder. A user who can write to it, or to a folder above it, could plant
//! machine code that another user runs.
//!
//! The folder is opened once, and every file in it through its handle. Files are checked
//! before they are read: see [`Folder::open_file`]. `docs/decisions/0011-cache-folder.md`
//! explains why a folder that others could once write to is never used again, whatever
//! its mode is now.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Mode, OFlags};

use super::folder_error::FolderError;

const HOME_HINT: &str = "specify a folder in your own home folder";
pub(super) const REMOVE_HINT: &str = "remove it if it is a Kumiki cache (it is created again); \
                                      otherwise set KUMIKI_CACHE to a new folder";

/// The name of the file that marks a folder that other users could once write to.
const UNTRUSTED: &str = "untrusted";

/// Mode bits that let other users write, and that let them do anything.
const OTHERS_WRITE: u32 = 0o022;
const OTHERS: u32 = 0o077;

/// An open folder that only this user can write to.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    handle: OwnedFd,
    user: u32,
}

impl Folder {
    /// Opens a folder; creates it if it does not exist.
    pub(super) fn open(path: &Path) -> Result<Self, FolderError> {
        const HINT: &str = "specify a folder that this user can write to";
        let cannot = |error: io::Error| FolderError::new(format!("cannot open it: {error}"), HINT);
        create_folder(path).map_err(cannot)?;
        let path = path.canonicalize().map_err(cannot)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::open(&path, flags, Mode::empty());
        let folder = Self {
            path,
            handle: handle.map_err(|error| cannot(error.into()))?,
            user: rustix::process::geteuid().as_raw(),
        };
        folder.check_parents()?;
        folder.check_folder()?;
        Ok(folder)
    }

    /// Returns the path without symbolic links.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that only this user and root can replace the folder. In a folder with the
    /// sticky bit, such as `/tmp`, all users may write, but none may rename the files of
    /// others.
    fn check_parents(&self) -> Result<(), FolderError> {
        let mut relative = PathBuf::new();
        for parent in self.path.ancestors().skip(1) {
            relative.push("..");
            let stat =
                rustix::fs::statat(&self.handle, &relative, AtFlags::empty()).map_err(|error| {
                    let message = format!("cannot read `{}`: {error}", parent.display());
                    FolderError::new(message, HOME_HINT)
                })?;
            let (owner, mode) = (stat.st_uid, Mode::from_raw_mode(stat.st_mode).bits());
            if owner != self.user && owner != 0 {
                return Err(another_user(parent, owner, HOME_HINT));
            }
            let (others_write, sticky) = (Mode::WGRP | Mode::WOTH, Mode::SVTX);
            if mode & others_write.bits() != 0 && mode & sticky.bits() == 0 {
                let message = format!("other users can write to `{}`", parent.display());
                return Err(FolderError::new(
                    message,
                    "run `chmod go-w` on that folder, or specify another one",
                ));
            }
        }
        Ok(())
    }

    /// Checks that the folder has the owner and mode that Kumiki creates it with, and
    /// that no sign of another mode in the past is left.
    fn check_folder(&self) -> Result<(), FolderError> {
        let path = self.path.display();
        let cannot = |error: io::Error| {
            FolderError::new(format!("cannot read `{path}`: {error}"), HOME_HINT)
        };
        let metadata = self.metadata().map_err(cannot)?;
        let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
        if owner != self.user {
            return Err(another_user(&self.path, owner, REMOVE_HINT));
        }
        if mode & OTHERS_WRITE != 0 {
            // If this fails, the unusual mode is still detected next time.
            let _ = self.create(UNTRUSTED);
            let message = format!("other users can write to `{path}` (its mode is {mode:o})");
            return Err(FolderError::new(message, REMOVE_HINT));
        }
        let mark = rustix::fs::statat(&self.handle, UNTRUSTED, AtFlags::SYMLINK_NOFOLLOW);
        if mark.is_ok() {
            let message = format!("other users could write to `{path}` before");
            return Err(FolderError::new(message, REMOVE_HINT));
        }
        if mode & OTHERS == 0 {
            return Ok(());
        }
        if self.names().map_err(cannot)?.is_empty() {
            // Created by `mkdir`: it contains nothing that could be untrusted.
            let private = rustix::fs::fchmod(&self.handle, Mode::RWXU);
            return private.map_err(|error| cannot(error.into()));
        }
        let message = format!(
            "`{path}` is not empty and has mode {mode:o}, so other users may have written to it; \
             a Kumiki cache has mode 700"
        );
        Err(FolderError::new(message, REMOVE_HINT))
    }

    fn metadata(&self) -> io::Result<Metadata> {
        File::from(self.handle.try_clone()?).metadata()
    }

    /// Returns the names of all entries of the folder.
    pub(super) fn names(&self) -> io::Result<Vec<std::ffi::OsString>> {
        let entries = fs::read_dir(&self.path)?;
        entries.map(|entry| Ok(entry?.file_name())).collect()
    }

    /// Opens a file for reading. It must be a regular file, not a link; belong to this
    /// user; be inaccessible to other users; and have only one hard link.
    pub(super) fn open_file(&self, name: &str) -> io::Result<(File, Metadata)> {
        let file = self.open_with(name, OFlags::RDONLY)?;
        let metadata = file.metadata()?;
        self.check_file(&metadata)?;
        match metadata.mode() & OTHERS {
            0 => Ok((file, metadata)),
            _ => Err(io::Error::other("other users can read or write it")),
        }
    }

    fn open_with(&self, name: &str, flags: OFlags) -> io::Result<File> {
        // Without `NONBLOCK`, opening a pipe would block.
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(rustix::fs::openat(&self.handle, name, flags, mode)?.into())
    }

    fn check_file(&self, metadata: &Metadata) -> io::Result<()> {
        let error = |message: String| Err(io::Error::other(message));
        if !metadata.is_file() {
            return error("it is not a regular file".into());
        }
        if metadata.uid() != self.user {
            return error(format!(
                "it belongs to another user (UID {})",
                metadata.uid()
            ));
        }
        match metadata.nlink() {
            1 => Ok(()),
            links => error(format!("it has {links} hard links")),
        }
    }

    /// Creates a new file that only its owner can access.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        self.open_with(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
    }

    /// Writes a file atomically and syncs it: writes a temporary file and renames it.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write(name, bytes, File::sync_all, Self::rename)
    }

    /// Writes a file atomically without syncing it. After a crash of the machine the file
    /// may be missing or empty, so its contents must be sealed and easy to reproduce.
    pub(super) fn replace_unsynced(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write(name, bytes, |_| Ok(()), Self::rename)
    }

    /// Writes a file atomically and syncs it, unless it exists: the first of several
    /// concurrent calls wins.
    pub(super) fn write_new(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match self.write(name, bytes, File::sync_all, Self::rename_new) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            written => written,
        }
    }

    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        sync: impl Fn(&File) -> io::Result<()>,
        rename: impl Fn(&Self, &str, &str) -> io::Result<()>,
    ) -> io::Result<()> {
        let temporary = temporary(name);
        let write = || {
            let mut file = self.create(&temporary)?;
            file.write_all(bytes)?;
            sync(&file)?;
            rename(self, &temporary, name)
        };
        write().inspect_err(|_| {
            let _ = self.remove(&temporary);
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        use rustix::fs::RenameFlags;
        use rustix::io::Errno;

        let only_new = RenameFlags::NOREPLACE;
        match rustix::fs::renameat_with(&self.handle, from, &self.handle, to, only_new) {
            // Some file systems do not support `NOREPLACE`. In that case the key of
            // another process may be replaced, and its artifacts are compiled again.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => self.rename(from, to),
            renamed => Ok(renamed?),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        self.rename(from, to)
    }

    /// Removes a file if it exists.
    pub(super) fn remove(&self, name: impl AsRef<Path>) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.handle, name.as_ref(), AtFlags::empty()) {
            Err(rustix::io::Errno::NOENT) => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// Locks a file until it is dropped; creates it if it does not exist.
    ///
    /// # Errors
    /// [`TimedOut`](io::ErrorKind::TimedOut) if the lock is not free after `timeout`.
    pub(super) fn lock(&self, name: &str, timeout: Duration) -> io::Result<File> {
        let file = self.open_with(name, OFlags::RDWR | OFlags::CREATE)?;
        let metadata = file.metadata()?;
        self.check_file(&metadata)?;
        if metadata.mode() & OTHERS != 0 {
            // An earlier version created it.
            rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
        }
        let (start, mut pause) = (Instant::now(), Duration::from_millis(1));
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if start.elapsed() < timeout => thread::sleep(pause),
                Err(TryLockError::WouldBlock) => {
                    let seconds = timeout.as_secs();
                    let message =
                        format!("another process has held the lock `{name}` for {seconds} s");
                    return Err(io::Error::new(io::ErrorKind::TimedOut, message));
                }
            }
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

fn another_user(path: &Path, owner: u32, hint: &'static str) -> FolderError {
    let path = path.display();
    let message = format!("`{path}` belongs to another user (UID {owner})");
    FolderError::new(message, hint)
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let parent = folder.parent();
    if let Some(parent) = parent.filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Returns 32 random bytes from the system.
pub(super) fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Returns a unique name for a temporary file.
fn temporary(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{name}.{}-{count}.tmp", std::process::id())
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
