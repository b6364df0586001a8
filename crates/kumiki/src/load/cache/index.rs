//! What is known of plugins' files, so that one that has not changed is not
//! read again: which artifact its component has, and what it requests.
//!
//! There is an entry a file, known by the file's device and inode and by all
//! that makes an artifact but the component. It says what the file looked like
//! when it was read, and what the artifact's looked like when its seal was last
//! seen to hold; it ends with a keyed hash, as a seal does. Whoever has its key
//! could make seals as well: an entry is trusted no further than they are.

use std::fs::File;
use std::io::{self, Read as _};
use std::time::SystemTime;

use super::entries;
use super::folder::Folder;
use super::identity::FileIdentity;
use super::key::{ArtifactKey, Compiler};
use super::seal::SealKey;

/// The most entries. Some 400 bytes each, unless a plugin requests much.
const MOST: usize = 10_000;

/// The most bytes of an entry: all requests that there may be, and room.
const LARGEST: u64 = 128 << 10;

/// What is known of a component without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) key: ArtifactKey,
    /// Its requests, as they stand in it.
    pub(crate) requests: String,
    /// Bytes that the host keeps for the core instances of one instance, about.
    pub(crate) setup: usize,
    /// What its artifact's file looks like, where that is known to say what it
    /// holds.
    pub(super) artifact: Option<FileIdentity>,
}

impl IndexEntry {
    pub(crate) fn new(key: ArtifactKey, requests: &str, setup: usize) -> Self {
        Self {
            key,
            requests: requests.to_owned(),
            setup,
            artifact: None,
        }
    }

    fn text(&self, component: &FileIdentity) -> String {
        let Self {
            key,
            requests,
            setup,
            artifact,
        } = self;
        let artifact = FileIdentity::text_of(artifact.as_ref());
        let (component, key) = (component.text(), key.as_str());
        format!("{component}\n{key}\n{artifact}\n{setup}\n{requests}")
    }

    fn read(text: &str, component: &FileIdentity) -> Option<Self> {
        let mut parts = text.splitn(5, '\n');
        if FileIdentity::read(parts.next()?)? != *component {
            return None;
        }
        Some(Self {
            key: ArtifactKey::read(parts.next()?),
            artifact: FileIdentity::read_any(parts.next()?)?,
            setup: parts.next()?.parse().ok()?,
            requests: parts.next()?.to_owned(),
        })
    }
}

/// Where something is known of one component's file.
pub(super) struct Entry<'a> {
    component: &'a FileIdentity,
    seal_key: &'a SealKey,
    folder: &'a Folder,
    name: String,
}

impl<'a> Entry<'a> {
    /// The entry of the file that looks like `component`.
    pub(super) fn new(
        folder: &'a Folder,
        seal_key: &'a SealKey,
        compiler: &Compiler,
        component: &'a FileIdentity,
    ) -> Self {
        let FileIdentity { device, inode, .. } = component;
        let name = format!("{device:x}-{inode:x}-{}.known", compiler.as_str());
        Self {
            component,
            seal_key,
            folder,
            name,
        }
    }

    /// What is known, if the file looks as it did, and the entry with the time
    /// when its last use was written down.
    pub(super) fn read(&self) -> Option<(IndexEntry, File, SystemTime)> {
        let (mut file, metadata) = self.folder.open_file(&self.name).ok()?;
        if metadata.len() > LARGEST {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(metadata.len()).ok()?];
        file.read_exact(&mut bytes).ok()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        let text = self.seal_key.check("known", &self.name, text)?;
        let known = IndexEntry::read(text, self.component)?;
        Some((known, file, metadata.modified().ok()?))
    }

    /// Keeps what is known. It is not written to the disk at once: what is lost
    /// is found out again.
    pub(super) fn write(&self, known: &IndexEntry) -> io::Result<()> {
        let text = known.text(self.component);
        let text = self.seal_key.seal("known", &self.name, &text);
        self.folder.replace_lightly(&self.name, text.as_bytes())?;
        // To look at the whole folder takes longer than all else: one in 256
        // does, by a seal that nobody can foresee.
        match text.ends_with("00\n") {
            true => entries::trim_known(self.folder, MOST),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
