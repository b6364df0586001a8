//! Listing and removal of the folder's files.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::folder::Folder;
use super::key::ArtifactKey;
use super::seal::{Seal, SealKey};

/// The age at which a temporary file is removed: the process that wrote it was killed.
const ABANDONED: Duration = Duration::from_hours(1);

/// The maximum size of a seal in bytes: an escaped path, and some reserve.
pub(super) const MAX_SEAL: u64 = 128 << 10;

/// A plugin's artifact in a [`Cache`](super::Cache).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artifact {
    /// The plugin's name when it was compiled, with special characters escaped.
    pub plugin: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The time of its last use, accurate to a minute.
    pub used: SystemTime,
}

/// Lists the artifacts with valid seals, most recently used first.
pub(super) fn list(folder: &Folder, seal_key: &SealKey) -> io::Result<Vec<Artifact>> {
    let mut artifacts = Vec::new();
    for entry in files(folder)? {
        let name = entry.file_name();
        let Some(key) = name.to_str().and_then(ArtifactKey::of_seal) else {
            continue;
        };
        let (Ok((seal, metadata)), Ok((_, artifact))) = (
            folder.open_file(&key.seal()),
            folder.open_file(&key.artifact()),
        ) else {
            continue;
        };
        let mut text = String::new();
        if seal.take(MAX_SEAL).read_to_string(&mut text).is_ok()
            && let Some(seal) = Seal::read(&text, &key, seal_key)
        {
            artifacts.push(Artifact {
                plugin: seal.plugin,
                bytes: artifact.len(),
                used: metadata.modified()?,
            });
        }
    }
    artifacts.sort_by(|one, other| {
        other
            .used
            .cmp(&one.used)
            .then(one.plugin.cmp(&other.plugin))
    });
    Ok(artifacts)
}

/// Removes all artifacts, seals, index entries and temporary files; returns the number of
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

/// If the artifacts have more than `max` bytes, removes the least recently used ones until
/// they have at most `target`; never removes `newest`. Returns the remaining bytes. Also
/// removes abandoned temporary files.
pub(super) fn trim(folder: &Folder, max: u64, target: u64, newest: &str) -> io::Result<u64> {
    let mut artifacts = Vec::new();
    for entry in files(folder)? {
        // Another process may have removed it.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let path = entry.path();
        let age = metadata.modified()?.elapsed().unwrap_or_default();
        match path.extension().and_then(OsStr::to_str) {
            Some("tmp") if age > ABANDONED => folder.remove(entry.file_name())?,
            Some("artifact") => {
                let seal = fs::metadata(path.with_extension("seal"));
                let used = seal.and_then(|seal| seal.modified());
                // Without a seal it is being written, or will never be used.
                let used = used.unwrap_or(metadata.modified()?);
                artifacts.push((used, metadata.len(), entry.file_name()));
            }
            _ => {}
        }
    }
    let mut total: u64 = artifacts.iter().map(|(_, length, _)| length).sum();
    if total <= max {
        return Ok(total);
    }
    artifacts.sort();
    for (_, length, name) in artifacts {
        if total <= target {
            break;
        }
        if name == newest {
            continue;
        }
        folder.remove(Path::new(&name).with_extension("seal"))?;
        folder.remove(&name)?;
        total -= length;
    }
    Ok(total)
}

/// If there are more than `max` index entries, removes the least recently used ones until
/// a sixteenth less than `max` remain. A file without an entry is read again.
pub(super) fn trim_index(folder: &Folder, max: usize) -> io::Result<()> {
    let mut index = Vec::new();
    for entry in files(folder)? {
        if extension(&entry).is_some_and(|extension| extension == "known")
            && let Ok(metadata) = entry.metadata()
        {
            index.push((metadata.modified()?, entry.file_name()));
        }
    }
    if index.len() <= max {
        return Ok(());
    }
    index.sort();
    let target = max - max / 16;
    let surplus = index.len() - target;
    index
        .iter()
        .take(surplus)
        .try_for_each(|(_, name)| folder.remove(name))
}

/// Returns whether a file is an artifact, a seal, an index entry or a temporary file. No
/// other files are touched.
fn is_cache_file(entry: &DirEntry) -> bool {
    let extension = extension(entry);
    let extension = extension.as_deref().and_then(OsStr::to_str);
    matches!(extension, Some("artifact" | "seal" | "known" | "tmp"))
}

fn extension(entry: &DirEntry) -> Option<OsString> {
    entry.path().extension().map(OsStr::to_owned)
}

fn files(folder: &Folder) -> io::Result<impl Iterator<Item = DirEntry>> {
    Ok(fs::read_dir(folder.path())?.filter_map(Result::ok))
}
