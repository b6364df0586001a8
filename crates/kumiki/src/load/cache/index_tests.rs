use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::super::Cache;
use super::super::tests::{open, prefix};
use super::*;
use crate::inspect::InstanceSize;
use crate::{Engine, EngineConfig};

/// A cache, an engine and a component's file.
struct Scene {
    folder: tempfile::TempDir,
    cache: Cache,
    engine: Engine,
    file: PathBuf,
}

/// Returns the path of the index entry of a file with this identity.
fn entry_path(cache: &Cache, prefix: &KeyPrefix, identity: &FileIdentity) -> PathBuf {
    cache
        .folder()
        .join(&cache.index_file(prefix, identity).name)
}

/// The contents of a component's file; they are not parsed.
const BYTES: &[u8] = b"a component";

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = crate::Engine::shared(&EngineConfig::default()).unwrap();
        let scene = Self {
            cache: open(&folder.path().join("artifacts")),
            engine,
            file: folder.path().join("plugin.wasm"),
            folder,
        };
        fs::write(&scene.file, BYTES).unwrap();
        wait_for_clock();
        scene
    }

    fn prefix(&self) -> KeyPrefix {
        prefix(&self.engine, "wit", "world", &[])
    }

    fn new_entry(&self, requests: &str) -> IndexEntry {
        IndexEntry {
            key: self.prefix().key(BYTES),
            requests: requests.to_owned(),
            size: InstanceSize::default(),
            concurrency: false,
            modules: vec![ArtifactKey::read("module")],
            artifact: None,
        }
    }

    fn store(&self) {
        let (time, identity) = (SystemTime::now(), identity(&self.file));
        let entry = self.new_entry("[env]\nLANG = 'why'\n");
        self.cache
            .store_index_entry(&self.prefix(), &identity, time, &entry);
    }

    fn entry(&self) -> Option<IndexEntry> {
        let identity = identity(&self.file);
        self.cache.index_entry(&self.prefix(), &identity)
    }

    /// Returns the path of the only entry.
    fn only_path(&self) -> PathBuf {
        let [path] = &*entry_paths(&self.cache) else {
            panic!("expected one entry");
        };
        path.clone()
    }
}

fn entry_paths(cache: &Cache) -> Vec<PathBuf> {
    let files = fs::read_dir(cache.folder()).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|found| found == "known"))
        .collect()
}

fn identity(path: &Path) -> FileIdentity {
    FileIdentity::of(&fs::metadata(path).unwrap()).unwrap()
}

/// Waits until the clock of the file system has advanced.
fn wait_for_clock() {
    thread::sleep(Duration::from_millis(20));
}

#[test]
fn entry_is_valid_until_the_file_changes() {
    let scene = Scene::new();
    let modified = fs::metadata(&scene.file).unwrap().modified().unwrap();
    let set_back = |path: &Path| {
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(modified).unwrap();
    };
    let other: Vec<u8> = BYTES.iter().rev().copied().collect();
    type Change<'a> = &'a dyn Fn(&Path);
    let changes: [(&str, Change<'_>); 5] = [
        ("longer", &|path| {
            fs::write(path, [BYTES, b"."].concat()).unwrap();
            set_back(path);
        }),
        ("as long, and its time set back", &|path| {
            fs::write(path, &other).unwrap();
            set_back(path);
        }),
        ("replaced by one as long and as old", &|path| {
            let new = path.with_extension("new");
            fs::write(&new, &other).unwrap();
            set_back(&new);
            fs::rename(&new, path).unwrap();
        }),
        ("touched", &|path| {
            let file = File::options().append(true).open(path).unwrap();
            file.set_modified(SystemTime::now()).unwrap();
        }),
        ("another of the same name", &|path| {
            fs::remove_file(path).unwrap();
            fs::write(path, &other).unwrap();
            set_back(path);
        }),
    ];
    for (what, change) in changes {
        assert_eq!(scene.entry(), None, "before {what}");
        scene.store();
        let entry = scene.new_entry("[env]\nLANG = 'why'\n");
        assert_eq!(scene.entry(), Some(entry), "before {what}");
        wait_for_clock();
        change(&scene.file);
        assert_eq!(scene.entry(), None, "{what}");
        wait_for_clock();
    }
}

#[test]
fn recently_changed_file_is_not_indexed() {
    let scene = Scene::new();
    let cache = Cache::open(scene.cache.folder()).unwrap();
    let changed = fs::metadata(&scene.file).unwrap().modified().unwrap();
    let identity = identity(&scene.file);
    for (seconds, expected) in [(1, 0), (3, 1)] {
        let time = changed + Duration::from_secs(seconds);
        let entry = scene.new_entry("");
        cache.store_index_entry(&scene.prefix(), &identity, time, &entry);
        assert_eq!(entry_paths(&cache).len(), expected, "after {seconds} s");
    }
}

#[test]
fn changed_entries_are_ignored() {
    let scene = Scene::new();
    scene.store();
    let path = scene.only_path();
    let original = fs::read(&path).unwrap();
    let changed = (0..original.len()).map(|index| {
        let mut bytes = original.clone();
        bytes[index] ^= 1;
        bytes
    });
    let truncated = (0..original.len()).map(|end| original[..end].to_vec());
    let longer = [original.clone(), b"\n".to_vec()].concat();
    let large = vec![b' '; MAX_ENTRY as usize + 1];
    for bytes in changed.chain(truncated).chain([longer, large]) {
        fs::write(&path, &bytes).unwrap();
        assert_eq!(scene.entry(), None, "{}", String::from_utf8_lossy(&bytes));
    }
    fs::write(&path, original).unwrap();
    assert!(scene.entry().is_some());
}

/// An entry is not accepted for another file, contract or engine, nor from another
/// folder.
#[test]
fn entries_written_elsewhere_are_ignored() {
    let scene = Scene::new();
    scene.store();
    let path = scene.only_path();
    let fueled = crate::Engine::shared(&EngineConfig::default().with_fuel(true)).unwrap();
    let own = identity(&scene.file);
    for prefix in [
        prefix(&fueled, "wit", "world", &[]),
        prefix(&scene.engine, "tiw", "world", &[]),
        prefix(&scene.engine, "wit", "other", &[]),
        prefix(&scene.engine, "wit", "world", &["more"]),
    ] {
        assert_eq!(scene.cache.index_entry(&prefix, &own), None);
        fs::copy(&path, entry_path(&scene.cache, &prefix, &own)).unwrap();
        assert_eq!(scene.cache.index_entry(&prefix, &own), None);
    }

    let other = scene.file.with_extension("other");
    fs::copy(&scene.file, &other).unwrap();
    let (other, prefix) = (identity(&other), scene.prefix());
    fs::copy(&path, entry_path(&scene.cache, &prefix, &other)).unwrap();
    assert_eq!(scene.cache.index_entry(&prefix, &other), None);

    let elsewhere = open(&scene.folder.path().join("elsewhere"));
    fs::copy(&path, entry_path(&elsewhere, &prefix, &own)).unwrap();
    assert_eq!(elsewhere.index_entry(&prefix, &own), None);
    assert!(scene.entry().is_some());
}

#[test]
fn index_is_bounded_and_cleared_with_the_cache() {
    let scene = Scene::new();
    let files: Vec<_> = (0..40)
        .map(|count| scene.file.with_extension(count.to_string()))
        .collect();
    for file in &files {
        fs::write(file, BYTES).unwrap();
        let entry = scene.new_entry("");
        let (prefix, identity) = (scene.prefix(), identity(file));
        let index_file = scene.cache.index_file(&prefix, &identity);
        index_file.write(&entry).unwrap();
        wait_for_clock();
    }
    let is_indexed = |file: &PathBuf| {
        let entry = scene.cache.index_entry(&scene.prefix(), &identity(file));
        entry.is_some()
    };
    trim::index(&scene.cache.inner.folder, 40).unwrap();
    assert!(files.iter().all(is_indexed));
    trim::index(&scene.cache.inner.folder, 32).unwrap();
    let remaining: Vec<_> = files.iter().map(is_indexed).collect();
    assert_eq!(remaining, [[false; 10].as_slice(), &[true; 30]].concat());

    assert!(scene.cache.clear().unwrap() > 0);
    assert_eq!(entry_paths(&scene.cache), [] as [PathBuf; 0]);
}
