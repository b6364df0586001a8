//! The folder of artifacts. Whoever can write to it, or to a folder above it,
//! could put machine code there for others to run.
//!
//! It is opened once, and every file in it through it. What is opened is looked
//! at before it is read: see [`Folder::open_file`]. Why a folder that others
//! could write to is not used again, whatever its mode is now, is told in
//! docs/decisions/0011-cache-folder.md.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Mode, OFlags};

use super::fault::Fault;

const ELSEWHERE: &str = "name a folder in this user's own home folder";
const REMOVE: &str = "if it is a cache of Kumiki's, remove it, and it is made anew; otherwise set \
                      KUMIKI_CACHE to a new folder";

/// What says that others could once write to the folder.
const MARK: &str = "untrusted";

/// Bits of a mode: those that let others write, and those that let others do
/// anything.
const OTHERS_WRITE: u32 = 0o022;
const OTHERS: u32 = 0o077;

/// A folder that only this user writes to, open.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    handle: OwnedFd,
    user: u32,
}

impl Folder {
    /// Opens a folder, and makes it if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        const HINT: &str = "name a folder that this user may write to";
        let cannot = |error: io::Error| Fault::new(format!("cannot use it: {error}"), HINT);
        make(path).map_err(cannot)?;
        let path = path.canonicalize().map_err(cannot)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::open(&path, flags, Mode::empty());
        let folder = Self {
            path,
            handle: handle.map_err(|error| cannot(error.into()))?,
            user: rustix::process::geteuid().as_raw(),
        };
        folder.check_above()?;
        folder.check_itself()?;
        Ok(folder)
    }

    /// Its path, without symbolic links.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nobody but this user and root can put something in the place of
    /// the folder. In one with the sticky bit, such as `/tmp`, everybody may
    /// write, and nobody may rename what is another's.
    fn check_above(&self) -> Result<(), Fault> {
        let mut way = PathBuf::new();
        for place in self.path.ancestors().skip(1) {
            way.push("..");
            let stat =
                rustix::fs::statat(&self.handle, &way, AtFlags::empty()).map_err(|error| {
                    let message = format!("cannot look at `{}`: {error}", place.display());
                    Fault::new(message, ELSEWHERE)
                })?;
            let (owner, mode) = (stat.st_uid, Mode::from_raw_mode(stat.st_mode).bits());
            if owner != self.user && owner != 0 {
                return Err(another_user(place, owner, ELSEWHERE));
            }
            let (others_write, sticky) = (Mode::WGRP | Mode::WOTH, Mode::SVTX);
            if mode & others_write.bits() != 0 && mode & sticky.bits() == 0 {
                let message = format!("others can write to `{}`", place.display());
                return Err(Fault::new(
                    message,
                    "`chmod go-w` that folder, or name another",
                ));
            }
        }
        Ok(())
    }

    /// Whether the folder is as Kumiki makes it, and always was as far as one
    /// can tell.
    fn check_itself(&self) -> Result<(), Fault> {
        let place = self.path.display();
        let cannot =
            |error: io::Error| Fault::new(format!("cannot look at `{place}`: {error}"), ELSEWHERE);
        let metadata = self.metadata().map_err(cannot)?;
        let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
        if owner != self.user {
            return Err(another_user(&self.path, owner, REMOVE));
        }
        if mode & OTHERS_WRITE != 0 {
            // If it cannot be written, a changed mode is found the next time.
            let _ = self.create(MARK);
            let message = format!("others can write to `{place}` (its mode is {mode:o})");
            return Err(Fault::new(message, REMOVE));
        }
        let mark = rustix::fs::statat(&self.handle, MARK, AtFlags::SYMLINK_NOFOLLOW);
        if mark.is_ok() {
            let message = format!("others could write to `{place}` before");
            return Err(Fault::new(message, REMOVE));
        }
        if mode & OTHERS == 0 {
            return Ok(());
        }
        if self.names().map_err(cannot)?.is_empty() {
            // Made by somebody's `mkdir`: there is nothing yet to be trusted.
            let private = rustix::fs::fchmod(&self.handle, Mode::RWXU);
            return private.map_err(|error| cannot(error.into()));
        }
        let message = format!(
            "`{place}` is not empty and has mode {mode:o}; others may have written to it, as a \
             cache of Kumiki's has mode 700"
        );
        Err(Fault::new(message, REMOVE))
    }

    fn metadata(&self) -> io::Result<Metadata> {
        File::from(self.handle.try_clone()?).metadata()
    }

    /// The names of all that is in it.
    pub(super) fn names(&self) -> io::Result<Vec<std::ffi::OsString>> {
        let entries = fs::read_dir(&self.path)?;
        entries.map(|entry| Ok(entry?.file_name())).collect()
    }

    /// Opens a file to read it. It must be as this folder's files are made: no
    /// link, this user's own, closed to all others, under one name only.
    pub(super) fn open_file(&self, name: &str) -> io::Result<(File, Metadata)> {
        let file = self.open_with(name, OFlags::RDONLY)?;
        let metadata = file.metadata()?;
        self.check_file(&metadata)?;
        match metadata.mode() & OTHERS {
            0 => Ok((file, metadata)),
            _ => Err(io::Error::other("others may read it or write to it")),
        }
    }

    fn open_with(&self, name: &str, flags: OFlags) -> io::Result<File> {
        // A pipe would keep whoever opens it.
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(rustix::fs::openat(&self.handle, name, flags, mode)?.into())
    }

    fn check_file(&self, metadata: &Metadata) -> io::Result<()> {
        let fault = |message: String| Err(io::Error::other(message));
        if !metadata.is_file() {
            return fault("it is no file".into());
        }
        if metadata.uid() != self.user {
            return fault(format!(
                "it belongs to another user (number {})",
                metadata.uid()
            ));
        }
        match metadata.nlink() {
            1 => Ok(()),
            links => fault(format!("it has {links} names")),
        }
    }

    /// Makes a file that is not there yet, for its owner's eyes only.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        self.open_with(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
    }

    /// Writes a file beside `name`, all the way to the disk, and renames it: at
    /// any moment there is the old file, the new one, or none.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.put(name, bytes, File::sync_all, Self::rename)
    }

    /// The same, but what is written may be lost, or be found empty, when the
    /// machine fails: for what is soon found out again, and has a seal.
    pub(super) fn replace_lightly(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.put(name, bytes, |_| Ok(()), Self::rename)
    }

    /// [`Folder::replace`] for what must not be there yet; of several who do so
    /// at the same time the first one wins.
    pub(super) fn place(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match self.put(name, bytes, File::sync_all, Self::rename_new) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            placed => placed,
        }
    }

    fn put(
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
            // Some file systems know of no such thing. What is replaced then is
            // another's key, whose artifacts are compiled once more.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => self.rename(from, to),
            renamed => Ok(renamed?),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        self.rename(from, to)
    }

    /// Removes a file that may be gone already.
    pub(super) fn remove(&self, name: impl AsRef<Path>) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.handle, name.as_ref(), AtFlags::empty()) {
            Err(rustix::io::Errno::NOENT) => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// Locks a file, which is made if need be, until it is dropped.
    ///
    /// # Errors
    /// Of the kind `TimedOut` when it has not been given back after `most`.
    pub(super) fn lock(&self, name: &str, most: Duration) -> io::Result<File> {
        let file = self.open_with(name, OFlags::RDWR | OFlags::CREATE)?;
        let metadata = file.metadata()?;
        self.check_file(&metadata)?;
        if metadata.mode() & OTHERS != 0 {
            // As earlier versions made it.
            rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
        }
        let (start, mut pause) = (Instant::now(), Duration::from_millis(1));
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if start.elapsed() < most => thread::sleep(pause),
                Err(TryLockError::WouldBlock) => {
                    let message =
                        format!("another process has held `{name}` for {} s", most.as_secs());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, message));
                }
            }
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

fn another_user(place: &Path, owner: u32, hint: &'static str) -> Fault {
    let place = place.display();
    let message = format!("`{place}` belongs to another user (number {owner})");
    Fault::new(message, hint)
}

fn make(folder: &Path) -> io::Result<()> {
    let parent = folder.parent();
    if let Some(parent) = parent.filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// 32 bytes that nobody can guess.
pub(super) fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A name like `name` that nobody else has.
fn temporary(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{name}.{}-{count}.tmp", std::process::id())
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
