//! On systems other than Unix nothing here can tell who may write to a folder:
//! there is none.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::fault::Fault;

/// A folder of artifacts, of which there is none.
#[derive(Debug)]
pub(super) enum Folder {}

impl Folder {
    pub(super) fn open(_: &Path) -> Result<Self, Fault> {
        Err(Fault::new(
            "artifacts are kept on Unix only",
            "do without a cache",
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

    pub(super) fn replace_lightly(&self, _: &str, _: &[u8]) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn place(&self, _: &str, _: &[u8]) -> io::Result<()> {
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
