//! Listing and removal of all files of the folder.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry};
use std::io::{self, Read as _};
use std::time::SystemTime;

use super::folder::Folder;
use super::key::ArtifactKey;
use super::seal::{Seal, SealKey};

/// The maximum size of a seal in bytes: an escaped path, and some reserve.
pub(super) const MAX_SEAL: u64 = 128 << 10;

/// An artifact in a [`Cache`](super::Cache).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artifact {
    /// The plugin's name when it was compiled, with special characters escaped. For a
    /// runtime, the first plugin that needed it.
    pub plugin: String,
    /// Set for a language's runtime that plugins share: a core module that was compiled
    /// by itself.
    pub runtime: Option<Runtime>,
    /// Its size in bytes.
    pub bytes: u64,
    /// The time of its last use, accurate to a minute.
    pub used: SystemTime,
}

/// A core module in a [`Cache`](super::Cache) that plugins share.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Runtime {
    /// The BLAKE3 hash of the module, as hexadecimal digits.
    pub hash: String,
    /// The names of the plugins in the cache that need it, as [`Artifact::plugin`],
    /// sorted.
    pub plugins: Vec<String>,
}

/// Lists the artifacts with valid seals, most recently used first.
pub(super) fn list(folder: &Folder, seal_key: &SealKey) -> io::Result<Vec<Artifact>> {
    let mut found = Vec::new();
    for entry in files(folder)? {
        let name = entry.file_name();
        if let Some(key) = name.to_str().and_then(ArtifactKey::of_seal)
            && let Some((seal, used)) = read_seal(folder, seal_key, &key)
            && let Ok((_, artifact)) = folder.open_file(&key.artifact())
        {
            found.push((key, seal, artifact.len(), used));
        }
    }
    let plugins_of = |module: &ArtifactKey| {
        let users = found
            .iter()
            .filter(|(_, seal, ..)| seal.modules.contains(module));
        let mut plugins: Vec<_> = users.map(|(_, seal, ..)| seal.plugin.clone()).collect();
        plugins.sort();
        plugins
    };
    let artifact = |(key, seal, bytes, used): &(ArtifactKey, Seal, u64, SystemTime)| Artifact {
        plugin: seal.plugin.clone(),
        runtime: key.module().map(|hash| Runtime {
            hash: hash.to_string(),
            plugins: plugins_of(key),
        }),
        bytes: *bytes,
        used: *used,
    };
    let mut artifacts: Vec<_> = found.iter().map(artifact).collect();
    artifacts.sort_by(|one, other| {
        other
            .used
            .cmp(&one.used)
            .then(one.plugin.cmp(&other.plugin))
    });
    Ok(artifacts)
}

/// Reads a seal; returns it with the time of its artifact's last use.
pub(super) fn read_seal(
    folder: &Folder,
    seal_key: &SealKey,
    key: &ArtifactKey,
) -> Option<(Seal, SystemTime)> {
    let (file, metadata) = folder.open_file(&key.seal()).ok()?;
    let mut text = String::new();
    file.take(MAX_SEAL).read_to_string(&mut text).ok()?;
    let seal = Seal::read(&text, key, seal_key)?;
    Some((seal, metadata.modified().ok()?))
}

/// Removes all artifacts, seals, index entries, modules and temporary files; returns the number of
/// bytes freed.
pub(super) fn clear(folder: &Folder) -> io::Result<u64> {
    let mut freed = 0;
    for entry in files(folder)? {
        if !is_cache_file(&entry) {
            continue;
        }
        let length = entry.metadata().map_or(0, |metadata| metadata.len());
        folder.remove(entry.file_name())?;
        freed += length;
    }
    Ok(freed)
}

/// Returns whether a file is an artifact, a seal, an index entry, the bytes of a core module or
/// a temporary file. No
/// other files are touched.
fn is_cache_file(entry: &DirEntry) -> bool {
    let extension = extension(entry);
    let extension = extension.as_deref().and_then(OsStr::to_str);
    matches!(
        extension,
        Some("artifact" | "seal" | "known" | "module" | "tmp")
    )
}

pub(super) fn extension(entry: &DirEntry) -> Option<OsString> {
    entry.path().extension().map(OsStr::to_owned)
}

pub(super) fn files(folder: &Folder) -> io::Result<impl Iterator<Item = DirEntry>> {
    Ok(fs::read_dir(folder.path())?.filter_map(Result::ok))
}
