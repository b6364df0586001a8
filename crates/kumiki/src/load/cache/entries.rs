//! What the folder holds: listed, and kept within its bounds.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::folder::Folder;
use super::key::ArtifactKey;
use super::seal::{Seal, SealKey};

/// A temporary file is left by a process that was killed if it is older.
const ABANDONED: Duration = Duration::from_hours(1);

/// The most bytes of a seal: a path, spelled out, and room.
pub(super) const LARGEST_SEAL: u64 = 128 << 10;

/// One plugin's machine code in a [`Cache`](super::Cache).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artifact {
    /// What the plugin was called when it was compiled, with what is no plain
    /// character spelled out.
    pub plugin: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last used, to a minute.
    pub used: SystemTime,
}

pub(super) fn read(folder: &Folder, seal_key: &SealKey) -> io::Result<Vec<Artifact>> {
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
        if seal.take(LARGEST_SEAL).read_to_string(&mut text).is_ok()
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

/// Removes artifacts and their seals, what is known of files, and what was left
/// behind.
pub(super) fn clear(folder: &Folder) -> io::Result<u64> {
    let mut freed = 0;
    for entry in files(folder)? {
        if !is_ours(&entry) {
            continue;
        }
        let length = entry.metadata().map_or(0, |metadata| metadata.len());
        folder.remove(entry.file_name())?;
        freed += length;
    }
    Ok(freed)
}

/// Where there are more than `most` bytes, removes what was used longest ago
/// until the rest has at most `enough`; `newest` stays, whatever its size. Gives
/// the bytes that there are then.
pub(super) fn trim(folder: &Folder, most: u64, enough: u64, newest: &str) -> io::Result<u64> {
    let mut kept = Vec::new();
    for entry in files(folder)? {
        // Another process may have been quicker to remove it.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let path = entry.path();
        let age = metadata.modified()?.elapsed().unwrap_or_default();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("tmp") if age > ABANDONED => folder.remove(entry.file_name())?,
            Some("artifact") => {
                let seal = fs::metadata(path.with_extension("seal"));
                let used = seal.and_then(|seal| seal.modified());
                // Without a seal it is being written, or will never be used.
                let used = used.unwrap_or(metadata.modified()?);
                kept.push((used, metadata.len(), entry.file_name()));
            }
            _ => {}
        }
    }
    let mut total: u64 = kept.iter().map(|(_, length, _)| length).sum();
    if total <= most {
        return Ok(total);
    }
    kept.sort();
    for (_, length, name) in kept {
        if total <= enough {
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

/// Where more than `most` files are known, forgets a sixteenth of them, those
/// that were read longest ago. Whichever of them is used is read again.
pub(super) fn trim_known(folder: &Folder, most: usize) -> io::Result<()> {
    let mut known = Vec::new();
    for entry in files(folder)? {
        if ending(&entry).is_some_and(|ending| ending == "known")
            && let Ok(metadata) = entry.metadata()
        {
            known.push((metadata.modified()?, entry.file_name()));
        }
    }
    if known.len() <= most {
        return Ok(());
    }
    known.sort();
    let enough = most - most / 16;
    let beyond = known.len() - enough;
    known
        .iter()
        .take(beyond)
        .try_for_each(|(_, name)| folder.remove(name))
}

/// Artifacts, seals, what is known of files, and what an interrupted write left.
/// Nothing else that may lie there is touched.
fn is_ours(entry: &DirEntry) -> bool {
    let ending = ending(entry);
    let ending = ending.as_deref().and_then(OsStr::to_str);
    matches!(ending, Some("artifact" | "seal" | "known" | "tmp"))
}

fn ending(entry: &DirEntry) -> Option<OsString> {
    entry.path().extension().map(OsStr::to_owned)
}

fn files(folder: &Folder) -> io::Result<impl Iterator<Item = DirEntry>> {
    Ok(fs::read_dir(folder.path())?.filter_map(Result::ok))
}
