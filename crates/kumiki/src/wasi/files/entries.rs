//! The entries of a folder, some at a time: a folder may have millions, and a
//! guest may list it again and again.

use std::collections::VecDeque;

use cap_std::fs::{Dir, DirEntry, FileType, ReadDir};
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{DescriptorType, DirectoryEntry};
use wasmtime_wasi::p2::{FsError, FsResult};

use crate::wasi::descriptors::Permit;

/// How many are read ahead.
const AHEAD: usize = 128;

/// How many descriptors the system's list takes.
pub(super) const DESCRIPTORS: usize = 2;

type Entry = Result<DirectoryEntry, ErrorCode>;

/// What is left of a folder's entries. It takes the place of WASI's own in the
/// table of resources.
pub(super) struct Entries {
    ahead: VecDeque<Entry>,
    /// None at the end.
    rest: Option<Rest>,
}

/// What was not read yet.
pub(super) struct Rest {
    list: ReadDir,
    _permit: Permit,
}

impl Entries {
    /// Opens the list of a folder and reads the first entries. Waits for the
    /// file system.
    pub(super) fn open(descriptor: &Descriptor, permit: Permit) -> FsResult<Self> {
        let Descriptor::Dir(folder) = descriptor else {
            return Err(ErrorCode::NotDirectory.into());
        };
        let folder = Dir::from_std_file(folder.dir.try_clone()?);
        let rest = Rest {
            list: folder.entries()?,
            _permit: permit,
        };
        let mut entries = Self {
            ahead: VecDeque::new(),
            rest: None,
        };
        entries.put(rest.read());
        Ok(entries)
    }

    /// The next entry, where one is read ahead or none is left.
    pub(super) fn next(&mut self) -> Option<FsResult<Option<DirectoryEntry>>> {
        match self.ahead.pop_front() {
            Some(entry) => Some(entry.map(Some).map_err(FsError::from)),
            None if self.rest.is_none() => Some(Ok(None)),
            None => None,
        }
    }

    /// What has to be read before there is a next entry.
    pub(super) fn take(&mut self) -> Option<Rest> {
        self.rest.take()
    }

    pub(super) fn put(&mut self, (ahead, rest): (VecDeque<Entry>, Option<Rest>)) {
        self.ahead = ahead;
        self.rest = rest;
    }
}

impl Rest {
    /// Reads some more. Waits for the file system.
    pub(super) fn read(mut self) -> (VecDeque<Entry>, Option<Self>) {
        let entries = self.list.by_ref().take(AHEAD);
        let ahead: VecDeque<Entry> = entries
            .map(|entry| entry_of(entry.map_err(ErrorCode::from)?))
            .collect();
        let is_end = ahead.len() < AHEAD;
        (ahead, (!is_end).then_some(self))
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
    use crate::wasi::descriptors::Budget;

    #[test]
    fn all_entries_come_some_at_a_time() {
        for count in [0, 1, AHEAD - 1, AHEAD, 3 * AHEAD + 1] {
            let folder = tempfile::tempdir().unwrap();
            for number in 0..count {
                File::create(folder.path().join(number.to_string())).unwrap();
            }
            let dir = File::open(folder.path()).unwrap();
            let dir = Dir::new(dir, FsPerms::ReadOnly, OpenMode::READ, true);
            let budget = Budget::new(DESCRIPTORS);
            let permit = budget.take(DESCRIPTORS).unwrap();
            let mut entries = Entries::open(&Descriptor::Dir(dir), permit).unwrap();
            let mut names = HashSet::new();
            loop {
                match entries.next() {
                    Some(Ok(Some(entry))) => assert!(names.insert(entry.name)),
                    Some(end) => break assert!(end.unwrap().is_none()),
                    None => {
                        let rest = entries.take().unwrap();
                        entries.put(rest.read());
                        assert!(entries.ahead.len() <= AHEAD);
                    }
                }
            }
            assert_eq!(names.len(), count);
            assert_eq!(budget.held(), 0);
        }
    }
}
