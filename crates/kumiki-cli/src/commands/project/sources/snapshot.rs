//! The contents of files, to tell changes from writes of the same content.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use blake3::Hash;

/// The largest file whose content is compared. Of a larger one, only the size and the
/// times are.
const HASHED: u64 = 64 << 20;

/// The files at some time.
#[derive(Default)]
pub(super) struct Snapshot(HashMap<PathBuf, Content>);

impl Snapshot {
    /// Whether there was a file with this path.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    /// Reads these files again. Returns those that are new, changed or gone, and the
    /// new snapshot. A file with the same size and times is read only if it `is_touched`.
    pub(super) fn update(
        &self,
        files: HashSet<PathBuf>,
        is_touched: impl Fn(&Path) -> bool,
    ) -> (Vec<PathBuf>, Self) {
        let mut changed = Vec::new();
        let mut contents = HashMap::new();
        for path in files {
            let old = self.0.get(&path);
            let known = old.filter(|_| !is_touched(&path));
            let Some(new) = Content::read(&path, known) else {
                continue;
            };
            if old.is_none_or(|old| !old.is_same(&new)) {
                changed.push(path.clone());
            }
            contents.insert(path, new);
        }
        let gone = self.0.keys().filter(|path| !contents.contains_key(*path));
        changed.extend(gone.cloned());
        (changed, Self(contents))
    }
}

/// The content of a file.
#[derive(Clone)]
struct Content {
    stamp: Stamp,
    /// None if the file was not read.
    hash: Option<Hash>,
}

impl Content {
    /// Returns none if there is no file. `known` is an earlier content, for a file with
    /// the same stamp.
    fn read(path: &Path, known: Option<&Self>) -> Option<Self> {
        // A link may lead nowhere.
        let metadata = path.metadata().or_else(|_| path.symlink_metadata());
        let stamp = Stamp::of(&metadata.ok()?);
        if let Some(known) = known.filter(|known| known.stamp == stamp) {
            return Some(known.clone());
        }
        let hash = match stamp.bytes <= HASHED {
            true => hash(path).ok(),
            false => None,
        };
        Some(Self { stamp, hash })
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self.hash, other.hash) {
            (None, None) => self.stamp == other.stamp,
            (one, other) => one == other,
        }
    }
}

fn hash(path: &Path) -> io::Result<Hash> {
    let mut hasher = blake3::Hasher::new();
    // It may be growing.
    let mut file = kumiki_build::open_regular(path)?.take(HASHED);
    io::copy(&mut file, &mut hasher)?;
    Ok(hasher.finalize())
}

/// What changes when a file is written.
#[derive(Clone, PartialEq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    /// The file itself, and when anything of it changed.
    #[cfg(unix)]
    identity: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            identity: (
                metadata.dev(),
                metadata.ino(),
                metadata.ctime(),
                metadata.ctime_nsec(),
            ),
        }
    }
}

/// The files in a folder that may be sources, without those in folders below it.
pub(super) fn files<'a>(root: &'a Path, folder: &Path) -> impl Iterator<Item = PathBuf> + 'a {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    let paths = files.map(|entry| entry.path());
    paths.filter(move |path| kumiki_build::may_be_source(root, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changed_contents_are_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut snapshot = Snapshot::default();
        let mut look = |is_touched: bool| {
            let found = files(folder.path(), folder.path()).collect();
            let (mut changed, new) = snapshot.update(found, |_| is_touched);
            snapshot = new;
            changed.sort();
            let names = changed.iter().filter_map(|path| path.file_name());
            names
                .map(|name| name.display().to_string())
                .collect::<Vec<_>>()
        };
        let nothing = Vec::<String>::new();
        fs::write(path("a"), "1").unwrap();
        fs::write(path("b.wasm"), "1").unwrap();
        assert_eq!(look(false), ["a"], "new");
        fs::write(path("a"), "1").unwrap();
        assert_eq!(look(false), nothing, "the same content");
        fs::rename(path("a"), path("c")).unwrap();
        fs::write(path("a"), "1").unwrap();
        assert_eq!(
            look(false),
            ["c"],
            "replaced by a file with the same content"
        );
        fs::write(path("a"), "2").unwrap();
        assert_eq!(look(true), ["a"], "changed");
        fs::write(path("temporary"), "").unwrap();
        fs::remove_file(path("temporary")).unwrap();
        assert_eq!(look(true), nothing, "already gone");
        fs::remove_file(path("a")).unwrap();
        assert_eq!(look(true), ["a"], "removed");
        assert_eq!(look(true), nothing, "still removed");
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_read_is_compared_by_its_times() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        let mut snapshot = Snapshot::default();
        let mut look = || {
            let (changed, new) = snapshot.update(HashSet::from([link.clone()]), |_| true);
            snapshot = new;
            changed.len()
        };
        assert_eq!(look(), 1);
        assert_eq!(look(), 0);
        fs::write(folder.path().join("nowhere"), "").unwrap();
        assert_eq!(look(), 1, "the target of the link");
    }
}
