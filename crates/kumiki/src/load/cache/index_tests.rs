use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::super::tests::open;
use super::super::{Cache, Engine};
use super::*;
use crate::EngineConfig;

/// A cache, an engine, and a component's file.
struct Scene {
    folder: tempfile::TempDir,
    cache: Cache,
    engine: Engine,
    file: PathBuf,
}

/// Where a cache would keep what is known of such a file.
fn entry_of(cache: &Cache, compiler: &Compiler, looks: &FileIdentity) -> PathBuf {
    cache.folder().join(&cache.entry(compiler, looks).name)
}

const BYTES: &[u8] = b"a component, as it were";

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = crate::Engine::shared(&EngineConfig::default()).unwrap();
        let scene = Self {
            cache: open(&folder.path().join("artifacts")),
            engine: engine.as_wasmtime().clone(),
            file: folder.path().join("plugin.wasm"),
            folder,
        };
        fs::write(&scene.file, BYTES).unwrap();
        later();
        scene
    }

    fn compiler(&self) -> Compiler {
        Compiler::new(&self.engine, "wit", "world", &[])
    }

    fn known_as(&self, requests: &str) -> IndexEntry {
        IndexEntry::new(self.compiler().key(BYTES), requests, 1234)
    }

    fn remember(&self) {
        let (time, identity) = (SystemTime::now(), identity(&self.file));
        let known = self.known_as("[env]\nLANG = 'why'\n");
        self.cache
            .remember(&self.compiler(), &identity, time, &known);
    }

    fn known(&self) -> Option<IndexEntry> {
        self.cache.known(&self.compiler(), &identity(&self.file))
    }

    fn entry(&self) -> PathBuf {
        let [entry] = &*entries(&self.cache) else {
            panic!("one entry");
        };
        entry.clone()
    }
}

fn entries(cache: &Cache) -> Vec<PathBuf> {
    let files = fs::read_dir(cache.folder()).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "known"))
        .collect()
}

fn identity(path: &Path) -> FileIdentity {
    FileIdentity::of(&fs::metadata(path).unwrap()).unwrap()
}

/// Until the clock of the file system has moved.
fn later() {
    thread::sleep(Duration::from_millis(20));
}

#[test]
fn a_file_is_known_until_it_changes() {
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
        assert_eq!(scene.known(), None, "before {what}");
        scene.remember();
        let known = scene.known_as("[env]\nLANG = 'why'\n");
        assert_eq!(scene.known(), Some(known), "before {what}");
        later();
        change(&scene.file);
        assert_eq!(scene.known(), None, "{what}");
        later();
    }
}

#[test]
fn a_file_that_was_just_changed_is_not_remembered() {
    let scene = Scene::new();
    let cache = Cache::open(scene.cache.folder()).unwrap();
    let changed = fs::metadata(&scene.file).unwrap().modified().unwrap();
    let identity = identity(&scene.file);
    for (seconds, expected) in [(1, 0), (3, 1)] {
        let time = changed + Duration::from_secs(seconds);
        let known = scene.known_as("");
        cache.remember(&scene.compiler(), &identity, time, &known);
        assert_eq!(entries(&cache).len(), expected, "after {seconds} s");
    }
}

#[test]
fn what_is_spoilt_is_not_known() {
    let scene = Scene::new();
    scene.remember();
    let entry = scene.entry();
    let whole = fs::read(&entry).unwrap();
    let changed = (0..whole.len()).map(|place| {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        bytes
    });
    let cut = (0..whole.len()).map(|end| whole[..end].to_vec());
    let longer = [whole.clone(), b"\n".to_vec()].concat();
    let large = vec![b' '; LARGEST as usize + 1];
    for bytes in changed.chain(cut).chain([longer, large]) {
        fs::write(&entry, &bytes).unwrap();
        assert_eq!(scene.known(), None, "{}", String::from_utf8_lossy(&bytes));
    }
    fs::write(&entry, whole).unwrap();
    assert!(scene.known().is_some());
}

/// An entry cannot be passed off as another file's, contract's or engine's, nor
/// does one from another folder hold.
#[test]
fn what_was_written_elsewhere_is_not_known() {
    let scene = Scene::new();
    scene.remember();
    let entry = scene.entry();
    let fueled = crate::Engine::shared(&EngineConfig::default().with_fuel(true)).unwrap();
    let looks = identity(&scene.file);
    for compiler in [
        Compiler::new(fueled.as_wasmtime(), "wit", "world", &[]),
        Compiler::new(&scene.engine, "tiw", "world", &[]),
        Compiler::new(&scene.engine, "wit", "other", &[]),
        Compiler::new(&scene.engine, "wit", "world", &["more"]),
    ] {
        assert_eq!(scene.cache.known(&compiler, &looks), None);
        fs::copy(&entry, entry_of(&scene.cache, &compiler, &looks)).unwrap();
        assert_eq!(scene.cache.known(&compiler, &looks), None);
    }

    let other = scene.file.with_extension("other");
    fs::copy(&scene.file, &other).unwrap();
    let (other, compiler) = (identity(&other), scene.compiler());
    fs::copy(&entry, entry_of(&scene.cache, &compiler, &other)).unwrap();
    assert_eq!(scene.cache.known(&compiler, &other), None);

    let elsewhere = open(&scene.folder.path().join("elsewhere"));
    fs::copy(&entry, entry_of(&elsewhere, &compiler, &looks)).unwrap();
    assert_eq!(elsewhere.known(&compiler, &looks), None);
    assert!(scene.known().is_some());
}

#[test]
fn entries_are_bounded_and_go_with_the_rest() {
    let scene = Scene::new();
    let files: Vec<_> = (0..40)
        .map(|count| scene.file.with_extension(count.to_string()))
        .collect();
    for file in &files {
        fs::write(file, BYTES).unwrap();
        let known = scene.known_as("");
        let entry = identity(file);
        scene
            .cache
            .entry(&scene.compiler(), &entry)
            .write(&known)
            .unwrap();
        later();
    }
    let known = |file: &PathBuf| {
        scene
            .cache
            .known(&scene.compiler(), &identity(file))
            .is_some()
    };
    entries::trim_known(&scene.cache.inner.folder, 40).unwrap();
    assert!(files.iter().all(known));
    entries::trim_known(&scene.cache.inner.folder, 32).unwrap();
    let kept: Vec<_> = files.iter().map(known).collect();
    assert_eq!(kept, [[false; 10].as_slice(), &[true; 30]].concat());

    assert!(scene.cache.clear().unwrap() > 0);
    assert_eq!(super::tests::entries(&scene.cache), [] as [PathBuf; 0]);
}
