//! Lists a folder in batches: a folder may have millions of entries, and a guest may list it
//! many times.

use std::collections::VecDeque;
use std::sync::Arc;

use cap_std::fs::{Dir, DirEntry, FileType, ReadDir};
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorType, DirectoryEntry, ErrorCode};
use wasmtime_wasi::p2::{FsError, FsResult};

use crate::wasi::descriptors::Permit;

/// Maximum entries that are read ahead.
pub(super) const BATCH: usize = 128;

/// Descriptors that the system's directory stream uses.
pub(super) const DESCRIPTORS: usize = 2;

type Entry = Result<DirectoryEntry, ErrorCode>;

/// The remaining entries of a folder. Stored in the resource table instead of
/// wasmtime-wasi's type.
pub(super) struct Entries {
    buffered: VecDeque<Entry>,
    /// `None` at the end of the folder.
    unread: Option<Unread>,
}

/// The entries that were not read yet.
pub(super) struct Unread {
    list: ReadDir,
    _permit: Arc<Permit>,
}

impl Entries {
    /// Opens a folder and reads the first batch. Blocks on the file system.
    pub(super) fn open(descriptor: &Descriptor, permit: Arc<Permit>) -> FsResult<Self> {
        let Descriptor::Dir(folder) = descriptor else {
            return Err(ErrorCode::NotDirectory.into());
        };
        let folder = Dir::from_std_file(folder.dir.try_clone()?);
        let unread = Unread {
            list: folder.entries()?,
            _permit: permit,
        };
        Ok(Self::of(unread.read()))
    }

    /// Returns a batch and the unread entries after it.
    pub(super) fn of((buffered, unread): (VecDeque<Entry>, Option<Unread>)) -> Self {
        Self { buffered, unread }
    }

    /// Returns the next entry, or `Ok(None)` at the end. Returns `None` if the next batch must
    /// be read first.
    pub(super) fn next(&mut self) -> Option<FsResult<Option<DirectoryEntry>>> {
        match self.buffered.pop_front() {
            Some(entry) => Some(entry.map(Some).map_err(FsError::from)),
            None if self.unread.is_none() => Some(Ok(None)),
            None => None,
        }
    }

    /// Takes the unread entries if the next batch must be read first.
    pub(super) fn take_if_needed(&mut self) -> Option<Unread> {
        match self.buffered.is_empty() {
            true => self.unread.take(),
            false => None,
        }
    }

    /// Takes the unread entries, to read a batch without borrowing the table.
    pub(super) fn take(&mut self) -> Option<Unread> {
        self.unread.take()
    }

    pub(super) fn put(&mut self, (buffered, unread): (VecDeque<Entry>, Option<Unread>)) {
        self.buffered = buffered;
        self.unread = unread;
    }
}

impl Unread {
    /// Reads the next batch. Blocks on the file system.
    pub(super) fn read(mut self) -> (VecDeque<Entry>, Option<Self>) {
        let entries = self.list.by_ref().take(BATCH);
        let batch: VecDeque<Entry> = entries
            .map(|entry| entry_of(entry.map_err(ErrorCode::from)?))
            .collect();
        let is_end = batch.len() < BATCH;
        (batch, (!is_end).then_some(self))
    }
}

fn entry_of(entry: DirEntry) -> Entry {
    let type_ = entry.file_type().map(type_of).map_err(ErrorCode::from)?;
    let name = entry.file_name().into_string();
    let name = name.map_err(|_| ErrorCode::IllegalByteSequence)?;
    Ok(DirectoryEntry { type_, name })
}

fn type_of(kind: FileType) -> DescriptorType {
    if kind.is_dir() {
        DescriptorType::Directory
    } else if kind.is_symlink() {
        DescriptorType::SymbolicLink
    } else if kind.is_file() {
        DescriptorType::RegularFile
    } else {
        special(kind)
    }
}

#[cfg(unix)]
fn special(kind: FileType) -> DescriptorType {
    use cap_std::fs::FileTypeExt;

    if kind.is_block_device() {
        DescriptorType::BlockDevice
    } else if kind.is_char_device() {
        DescriptorType::CharacterDevice
    } else {
        DescriptorType::Unknown
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> DescriptorType {
    DescriptorType::Unknown
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs::File;

    use wasmtime_wasi::filesystem::Dir;
    use wasmtime_wasi::{FsPerms, OpenMode};

    use super::*;
    use crate::wasi::descriptors::DescriptorBudget;

    #[test]
    fn all_entries_are_read_in_batches() {
        for count in [0, 1, BATCH - 1, BATCH, 3 * BATCH + 1] {
            let folder = tempfile::tempdir().unwrap();
            for number in 0..count {
                File::create(folder.path().join(number.to_string())).unwrap();
            }
            let dir = File::open(folder.path()).unwrap();
            let dir = Dir::new(dir, FsPerms::ReadOnly, OpenMode::READ, true);
            let budget = DescriptorBudget::new(DESCRIPTORS);
            let permit = Arc::new(budget.take(DESCRIPTORS).unwrap());
            let mut entries = Entries::open(&Descriptor::Dir(dir), permit).unwrap();
            let mut names = HashSet::new();
            loop {
                match entries.next() {
                    Some(Ok(Some(entry))) => assert!(names.insert(entry.name)),
                    Some(end) => break assert!(end.unwrap().is_none()),
                    None => {
                        let unread = entries.take().unwrap();
                        entries.put(unread.read());
                        assert!(entries.buffered.len() <= BATCH);
                    }
                }
            }
            assert_eq!(names.len(), count);
            assert_eq!(budget.held(), 0);
        }
    }
}
