//! The path of a file that is being written. Until it is complete it has another
//! name, with `.part` appended: a file under its own name is always complete.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::{Folder, with_suffix};

const SUFFIX: &str = ".part";

/// The path that a file has until it is complete.
///
/// ```
/// use std::path::Path;
///
/// let part = kumiki_pipeline::part_path(Path::new("out/rows.csv"));
/// assert_eq!(part, Path::new("out/rows.csv.part"));
/// ```
#[must_use]
pub fn part_path(path: &Path) -> PathBuf {
    with_suffix(path.as_os_str(), SUFFIX).into()
}

/// The open folder of a file that is being written, and the file's names in it.
#[derive(Clone, Debug)]
pub(crate) struct PartPath {
    pub(crate) folder: Folder,
    pub(crate) name: OsString,
    /// The name of the file until it is complete.
    pub(crate) part: OsString,
}

impl PartPath {
    /// Opens the folder of `path`.
    ///
    /// # Errors
    /// When the folder cannot be opened.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let (folder, name) = Folder::of(path)?;
        Ok(Self::within(folder, name))
    }

    /// A file of this name in a folder.
    pub(crate) fn within(folder: Folder, name: OsString) -> Self {
        let part = with_suffix(&name, SUFFIX);
        Self { folder, name, part }
    }

    /// The kind of the entry that has the file's name, if it is not a regular file.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn special(&self) -> io::Result<Option<&'static str>> {
        self.folder.special(&self.name)
    }

    /// Creates the file, with the permissions of the file that it will replace. A file
    /// that an earlier run began is removed.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn create(&self) -> io::Result<File> {
        self.folder.create_for(&self.part, &self.name)
    }

    /// Gives the complete file its name.
    ///
    /// # Errors
    /// I/O errors, and an error if another file has its temporary name now.
    pub(crate) fn finish(&self, file: &File) -> io::Result<()> {
        self.folder.rename(file, &self.part, &self.name)
    }
}
