//! Removal of the files that were used least recently.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::entries::{extension, files, read_seal};
use super::folder::Folder;
use super::key::ArtifactKey;
use super::seal::SealKey;

/// The age at which a temporary file is removed: the process that wrote it was killed.
const ABANDONED: Duration = Duration::from_hours(1);

/// If the artifacts have more than `max` bytes, removes the least recently used ones until
/// they have at most `target`; never removes `newest`, nor a module that a remaining
/// component needs. The bytes of a module are removed with the last artifact of it.
/// Returns the remaining bytes. Also removes abandoned temporary files.
pub(super) fn artifacts(
    folder: &Folder,
    seal_key: &SealKey,
    max: u64,
    target: u64,
    newest: &str,
) -> io::Result<u64> {
    let (mut found, mut modules) = (Vec::new(), Vec::new());
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
                found.push((used, metadata.len(), entry.file_name()));
            }
            Some("module") => modules.push((metadata.len(), entry.file_name())),
            _ => {}
        }
    }
    let artifacts = found.iter().map(|(_, length, _)| length);
    let total: u64 = artifacts
        .chain(modules.iter().map(|(length, _)| length))
        .sum();
    if total <= max {
        return Ok(total);
    }
    found.sort();
    let trimmer = Trimmer {
        folder,
        modules: needed_modules(folder, seal_key, &found),
        skipped: HashMap::new(),
        total,
        target,
        newest,
    };
    let remaining = trimmer.trim(found)?;
    Ok(remaining - remove_modules(folder, modules)?)
}

/// Removes the bytes of modules that have no artifact; returns the number of bytes removed.
fn remove_modules(folder: &Folder, modules: Vec<(u64, OsString)>) -> io::Result<u64> {
    let names = folder.names()?;
    let keys = names
        .iter()
        .filter_map(|name| ArtifactKey::of_artifact(name.to_str()?));
    let used: Vec<_> = keys.filter_map(|key| key.module()).collect();
    let mut removed = 0;
    for (length, name) in modules {
        let hash = Path::new(&name).file_stem().and_then(OsStr::to_str);
        let hash = hash.and_then(|hash| hash.parse().ok());
        if !hash.is_some_and(|hash| used.contains(&hash)) {
            folder.remove(name)?;
            removed += length;
        }
    }
    Ok(removed)
}

/// The time of the last use of an artifact, its length in bytes and its file's name.
type Found = (SystemTime, u64, OsString);

/// Returns how many components need each module, and the modules of each component.
fn needed_modules(folder: &Folder, seal_key: &SealKey, artifacts: &[Found]) -> NeededModules {
    let mut needed = NeededModules::default();
    for (.., name) in artifacts {
        if let Some(key) = name.to_str().and_then(ArtifactKey::of_artifact)
            && let Some((seal, _)) = read_seal(folder, seal_key, &key)
            && !seal.modules.is_empty()
        {
            for module in &seal.modules {
                *needed.counts.entry(module.clone()).or_default() += 1;
            }
            needed.of_components.insert(key, seal.modules);
        }
    }
    needed
}

#[derive(Default)]
struct NeededModules {
    counts: HashMap<ArtifactKey, usize>,
    of_components: HashMap<ArtifactKey, Vec<ArtifactKey>>,
}

impl NeededModules {
    fn is_needed(&self, key: &ArtifactKey) -> bool {
        self.counts.get(key).is_some_and(|count| *count > 0)
    }

    /// Records that an artifact was removed; returns the modules that no other one needs.
    fn removed(&mut self, key: &ArtifactKey) -> Vec<ArtifactKey> {
        let mut modules = self.of_components.remove(key).unwrap_or_default();
        modules.retain(|module| {
            let count = self.counts.entry(module.clone()).or_default();
            *count = count.saturating_sub(1);
            *count == 0
        });
        modules
    }
}

struct Trimmer<'a> {
    folder: &'a Folder,
    modules: NeededModules,
    /// Modules that were needed in their turn, with their length and their file's name.
    skipped: HashMap<ArtifactKey, (u64, OsString)>,
    total: u64,
    target: u64,
    newest: &'a str,
}

impl Trimmer<'_> {
    /// Removes artifacts, which are sorted by their last use, until their total is the
    /// target; returns what remains.
    fn trim(mut self, artifacts: Vec<Found>) -> io::Result<u64> {
        for (_, length, name) in artifacts {
            let key = name.to_str().and_then(ArtifactKey::of_artifact);
            match key {
                Some(key) if self.modules.is_needed(&key) => {
                    self.skipped.insert(key, (length, name));
                }
                key => self.remove(length, &name, key)?,
            }
        }
        Ok(self.total)
    }

    /// Removes an artifact, and the skipped modules that only it needed.
    fn remove(&mut self, length: u64, name: &OsStr, key: Option<ArtifactKey>) -> io::Result<()> {
        if self.total <= self.target || name == self.newest {
            return Ok(());
        }
        self.folder.remove(Path::new(name).with_extension("seal"))?;
        self.folder.remove(name)?;
        self.total -= length;
        let unneeded = key.map_or(Vec::new(), |key| self.modules.removed(&key));
        for module in unneeded {
            if let Some((length, name)) = self.skipped.remove(&module) {
                self.remove(length, &name, Some(module))?;
            }
        }
        Ok(())
    }
}

/// If there are more than `max` index entries, removes the least recently used ones until
/// a sixteenth less than `max` remain. A file without an entry is read again.
pub(super) fn index(folder: &Folder, max: usize) -> io::Result<()> {
    let mut entries = Vec::new();
    for entry in files(folder)? {
        if extension(&entry).is_some_and(|extension| extension == "known")
            && let Ok(metadata) = entry.metadata()
        {
            entries.push((metadata.modified()?, entry.file_name()));
        }
    }
    if entries.len() <= max {
        return Ok(());
    }
    entries.sort();
    let target = max - max / 16;
    let surplus = entries.len() - target;
    entries
        .iter()
        .take(surplus)
        .try_for_each(|(_, name)| folder.remove(name))
}
