//! The replacement for `folder.rs` on systems other than Unix, where the cache is not
//! supported: there is no implementation of the check who can write to a folder.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::folder_error::FolderError;

pub(super) const REMOVE_HINT: &str = "run without a cache";

/// The cache folder; cannot be created.
#[derive(Debug)]
pub(super) enum Folder {}

impl Folder {
    pub(super) fn open(_: &Path) -> Result<Self, FolderError> {
        Err(FolderError::new(
            "the compile cache is supported on Unix only",
            "run without a cache",
        ))
    }

    pub(super) fn path(&self) -> &Path {
        match *self {}
    }

    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        match *self {}
    }

    pub(super) fn open_file(&self, _: &str) -> io::Result<(File, Metadata)> {
        match *self {}
    }

    pub(super) fn replace(&self, _: &str, _: &[u8]) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn replace_unsynced(&self, _: &str, _: &[u8]) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn write_new(&self, _: &str, _: &[u8]) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn remove(&self, _: impl AsRef<Path>) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn lock(&self, _: &str, _: Duration) -> io::Result<File> {
        match *self {}
    }
}

pub(super) fn random() -> io::Result<[u8; 32]> {
    Err(io::ErrorKind::Unsupported.into())
}
