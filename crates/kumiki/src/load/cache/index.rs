//! The index of plugin files: the artifact key and the requests of each file, so that an
//! unchanged file is not read again.
//!
//! Each file has an entry, whose name consists of the file's device, inode and the key
//! prefix. The entry contains the file's identity when it was read, and the identity of
//! the artifact when its seal was last verified. Like a seal, it ends with a keyed hash.
//! The key is the same, so an entry is exactly as trustworthy as a seal.

use std::fs::File;
use std::io::{self, Read as _};
use std::time::SystemTime;

use super::folder::Folder;
use super::identity::FileIdentity;
use super::key::{ArtifactKey, KeyPrefix};
use super::seal::SealKey;
use super::trim;
use crate::inspect::InstanceSize;

/// The maximum number of entries. An entry has about 400 bytes, or more if the plugin has
/// many requests.
const MAX_ENTRIES: usize = 10_000;

/// The maximum size of an entry in bytes: the largest possible requests, and some reserve.
const MAX_ENTRY: u64 = 128 << 10;

/// The index entry of a component's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) key: ArtifactKey,
    /// The text of the component's requests.
    pub(crate) requests: String,
    /// The size of one instance.
    pub(crate) size: InstanceSize,
    /// Whether its artifact is for an engine with concurrency.
    pub(crate) concurrency: bool,
    /// The core modules that it imports.
    pub(crate) modules: Vec<ArtifactKey>,
    /// The identity of the artifact's file, if its contents were verified.
    pub(super) artifact: Option<FileIdentity>,
}

impl IndexEntry {
    fn text(&self, component: &FileIdentity) -> String {
        let Self {
            key,
            requests,
            size,
            concurrency,
            modules,
            artifact,
        } = self;
        let artifact = FileIdentity::text_of(artifact.as_ref());
        let (component, key) = (component.text(), key.as_str());
        let modules = ArtifactKey::text_of(modules);
        format!("{component}\n{key}\n{artifact}\n{size}\n{concurrency}\n{modules}\n{requests}")
    }

    fn read(text: &str, component: &FileIdentity) -> Option<Self> {
        let mut parts = text.splitn(7, '\n');
        if FileIdentity::read(parts.next()?)? != *component {
            return None;
        }
        Some(Self {
            key: ArtifactKey::read(parts.next()?),
            artifact: FileIdentity::read_optional(parts.next()?)?,
            size: parts.next()?.parse().ok()?,
            concurrency: parts.next()?.parse().ok()?,
            modules: ArtifactKey::read_all(parts.next()?),
            requests: parts.next()?.to_owned(),
        })
    }
}

/// The file in the cache that contains the index entry of one component's file.
pub(super) struct IndexFile<'a> {
    component: &'a FileIdentity,
    seal_key: &'a SealKey,
    folder: &'a Folder,
    name: String,
}

impl<'a> IndexFile<'a> {
    /// Creates a handle without reading the file; `component` is the identity of the
    /// component's file.
    pub(super) fn new(
        folder: &'a Folder,
        seal_key: &'a SealKey,
        prefix: &KeyPrefix,
        component: &'a FileIdentity,
    ) -> Self {
        let FileIdentity { device, inode, .. } = component;
        let name = format!("{device:x}-{inode:x}-{}.known", prefix.as_str());
        Self {
            component,
            seal_key,
            folder,
            name,
        }
    }

    /// Reads the entry if the component's file still has the same identity. Also returns
    /// the open index file and the recorded time of its last use.
    pub(super) fn read(&self) -> Option<(IndexEntry, File, SystemTime)> {
        let (mut file, metadata) = self.folder.open_file(&self.name).ok()?;
        if metadata.len() > MAX_ENTRY {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(metadata.len()).ok()?];
        file.read_exact(&mut bytes).ok()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        let text = self.seal_key.unseal("known", &self.name, text)?;
        let entry = IndexEntry::read(text, self.component)?;
        Some((entry, file, metadata.modified().ok()?))
    }

    /// Writes the entry, without syncing it: a lost entry is created again.
    pub(super) fn write(&self, entry: &IndexEntry) -> io::Result<()> {
        let text = entry.text(self.component);
        let text = self.seal_key.seal("known", &self.name, &text);
        self.folder.replace_unsynced(&self.name, text.as_bytes())?;
        // Reading the whole folder takes longer than everything else, so only one write
        // in 256 does it: if the hash, which no one can predict, ends with `00`.
        match text.ends_with("00\n") {
            true => trim::index(self.folder, MAX_ENTRIES),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
