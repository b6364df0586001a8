use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::*;
use crate::EngineConfig;

/// What the components here are said to come to, in bytes of the host.
const SETUP: usize = 1234;

/// A folder to keep artifacts in, and an engine to make them for.
struct Scene {
    _folder: tempfile::TempDir,
    cache: Cache,
    engine: Engine,
    compiled: AtomicU32,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(&folder.path().join("artifacts"));
        let engine = crate::Engine::shared(&EngineConfig::default()).unwrap();
        Self {
            _folder: folder,
            cache,
            engine: engine.as_wasmtime().clone(),
            compiled: AtomicU32::new(0),
        }
    }

    fn key(&self, component: &[u8]) -> ArtifactKey {
        Compiler::new(&self.engine, "wit", "world", &[]).key(component)
    }

    /// Gets the component of some text; gives where it came from.
    fn get(&self, text: &str) -> Origin {
        let component = test_components::parse(text);
        let compile = || {
            self.compiled.fetch_add(1, Ordering::Relaxed);
            let component = Component::from_binary(&self.engine, &component).unwrap();
            Ok(Compiled::component(component, SETUP))
        };
        let key = self.key(&component);
        let ready = self
            .cache
            .component(&self.engine, &key, text, compile)
            .unwrap();
        assert_eq!(ready.setup, SETUP);
        ready.origin
    }

    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.cache.folder()).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        paths
            .filter(|path| path.extension().is_some_and(|found| found == ending))
            .collect()
    }

    /// Whether the only artifact there is would be used as it is.
    fn is_kept(&self) -> bool {
        matches!(self.get(ONE), Origin::Cache)
    }
}

/// A cache that takes a file for settled as soon as it is written.
pub(super) fn open(folder: &Path) -> Cache {
    open_with(folder, Duration::ZERO)
}

/// A cache that takes a file for settled when it was left alone for so long.
fn open_with(folder: &Path, left_alone: Duration) -> Cache {
    let cache = Cache::open(folder).unwrap();
    let mut inner = Arc::into_inner(cache.inner).unwrap();
    inner.left_alone = left_alone;
    Cache {
        inner: Arc::new(inner),
    }
}

const ONE: &str = "(component (core module (func)))";
const TWO: &str = "(component (core module (func) (func)))";

#[test]
fn a_component_is_compiled_once() {
    let scene = Scene::new();
    assert!(matches!(scene.get(ONE), Origin::Compiled));
    assert!(matches!(scene.get(ONE), Origin::Cache));
    assert!(matches!(scene.get(TWO), Origin::Compiled));
    let names: Vec<_> = scene.cache.artifacts().unwrap();
    let names: Vec<_> = names.iter().map(|artifact| &*artifact.plugin).collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&ONE) && names.contains(&TWO));

    // Another process, as it were.
    let other = Cache::open(scene.cache.folder()).unwrap();
    let key = scene.key(&test_components::parse(ONE));
    let compile = || panic!("it is there");
    let ready = other.component(&scene.engine, &key, "", compile).unwrap();
    assert!(matches!(ready.origin, Origin::Cache));
    assert_eq!(ready.setup, SETUP);

    assert!(scene.cache.clear().unwrap() > 0);
    assert_eq!(scene.cache.artifacts().unwrap(), []);
    assert!(matches!(scene.get(ONE), Origin::Compiled));
}

#[test]
fn what_no_slot_has_room_for_is_not_compiled_for_slots_again() {
    let scene = Scene::new();
    let engine = |slots| {
        let config = EngineConfig::default().with_slots(slots);
        let engine = crate::Engine::shared(&config).unwrap();
        engine.as_wasmtime().clone()
    };
    let (outside, slots) = (engine(0), engine(20));
    let memories = "(memory 1)".repeat(100);
    let large = format!("(component (core module $m {memories}) (core instance (instantiate $m)))");
    let component = test_components::parse(&large);
    let key = scene.key(&component);
    let get = |engine, compile: &dyn Fn() -> Component| {
        let compile = || Ok(Compiled::component(compile(), SETUP));
        scene.cache.component(engine, &key, "large", compile)
    };
    get(&outside, &|| {
        Component::from_binary(&outside, &component).unwrap()
    })
    .unwrap();
    let error = get(&slots, &|| panic!("it is compiled")).map(|_| ());
    assert!(matches!(error, Err(Error::Compile { .. })), "{error:?}");
    let ready = get(&outside, &|| panic!("it is compiled")).unwrap();
    assert!(matches!(ready.origin, Origin::Cache));
}

#[test]
fn whatever_goes_into_an_artifact_is_in_its_key() {
    let scene = Scene::new();
    let fueled = crate::Engine::shared(&EngineConfig::default().with_fuel(true)).unwrap();
    let keys = [
        scene.key(b"one"),
        scene.key(b"two"),
        Compiler::new(fueled.as_wasmtime(), "wit", "world", &[]).key(b"one"),
        Compiler::new(&scene.engine, "tiw", "world", &[]).key(b"one"),
        Compiler::new(&scene.engine, "wit", "other", &[]).key(b"one"),
        Compiler::new(&scene.engine, "wit", "worldone", &[]).key(b""),
        Compiler::new(&scene.engine, "wit", "world", &["more"]).key(b"one"),
    ];
    for (place, key) in keys.iter().enumerate() {
        assert!(!keys[..place].contains(key), "{place}");
    }
    assert_eq!(keys[0], scene.key(b"one"));
}

/// Whatever is changed in whichever byte, it is compiled again, and right.
#[test]
fn what_is_changed_is_compiled_again() {
    let scene = Scene::new();
    assert!(!scene.is_kept());
    for ending in ["artifact", "seal"] {
        let [path] = &*scene.files(ending) else {
            panic!("one artifact, one seal");
        };
        let whole = fs::read(path).unwrap();
        let places = [0, 5, whole.len() / 2, whole.len() - 1];
        let changed = places.map(|place| {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            bytes
        });
        let mut longer = whole.clone();
        longer.push(b'\n');
        let cut = [0, 1, whole.len() / 2, whole.len() - 1].map(|end| whole[..end].to_vec());
        for bytes in changed.into_iter().chain(cut).chain([longer]) {
            fs::write(path, &bytes).unwrap();
            assert!(!scene.is_kept(), "{ending} of {} bytes", bytes.len());
            assert!(scene.is_kept());
        }
        fs::remove_file(path).unwrap();
        assert!(!scene.is_kept(), "no {ending}");
    }
}

/// An artifact cannot be passed off as another's, nor one from another folder.
#[test]
fn what_was_sealed_elsewhere_is_compiled_again() {
    let (scene, other) = (Scene::new(), Scene::new());
    scene.get(ONE);
    scene.get(TWO);
    let [one, two] = [ONE, TWO].map(|text| scene.key(&test_components::parse(text)));
    let folder = scene.cache.folder();
    fs::copy(folder.join(two.artifact()), folder.join(one.artifact())).unwrap();
    fs::copy(folder.join(two.seal()), folder.join(one.seal())).unwrap();
    assert!(matches!(scene.get(ONE), Origin::Compiled));

    other.get(ONE);
    for file in [one.artifact(), one.seal()] {
        fs::copy(other.cache.folder().join(&file), folder.join(&file)).unwrap();
    }
    assert!(matches!(scene.get(ONE), Origin::Compiled));
}

/// An artifact is not read again while its file looks as it did, and is when it
/// does not.
#[test]
fn an_artifact_is_read_when_it_was_touched() {
    let scene = Scene::new();
    scene.get(ONE);
    let seal = scene.files("seal").remove(0);
    let artifact = scene.files("artifact").remove(0);
    let seals = || fs::read_to_string(&seal).unwrap();
    let written = seals();
    assert_eq!(written.lines().nth(1), Some("-"), "it was just written");
    assert!(scene.is_kept());
    let read = seals();
    assert_ne!(read, written, "sealed anew, with what it looks like");
    assert!(scene.is_kept());
    assert_eq!(seals(), read);

    let file = File::options().append(true).open(&artifact).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert!(scene.is_kept());
    assert_ne!(seals(), read, "sealed anew");

    let mut bytes = fs::read(&artifact).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&artifact, bytes).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert!(!scene.is_kept());
}

/// What was written a moment ago might be written again within the same step of
/// the file system's clock: it is read each time until it is older.
#[test]
fn a_new_artifact_is_read_each_time() {
    let scene = Scene::new();
    let cache = open_with(scene.cache.folder(), Duration::from_hours(1));
    let scene = Scene { cache, ..scene };
    scene.get(ONE);
    let seal = scene.files("seal").remove(0);
    let written = fs::read(&seal).unwrap();
    assert!(scene.is_kept());
    assert_eq!(fs::read(&seal).unwrap(), written, "not known by its looks");
}

#[test]
fn many_who_want_the_same_compile_it_once() {
    let scene = Scene::new();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| scene.get(ONE));
        }
    });
    assert_eq!(scene.compiled.load(Ordering::Relaxed), 1);
}

#[test]
fn what_was_not_used_for_longest_goes() {
    let scene = Scene::new();
    let texts = ["(func)", "(func) (func)", "(func) (func) (func)"]
        .map(|functions| format!("(component (core module {functions}))"));
    for (place, text) in texts.iter().enumerate() {
        scene.get(text);
        let key = scene.key(&test_components::parse(text));
        let seal = File::options()
            .append(true)
            .open(scene.cache.folder().join(key.seal()))
            .unwrap();
        let hours = [2, 3, 1][place];
        seal.set_modified(SystemTime::now() - Duration::from_hours(hours))
            .unwrap();
    }
    let names = || {
        let artifacts = scene.cache.artifacts().unwrap();
        let names = artifacts.into_iter().map(|artifact| artifact.plugin);
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(), [&*texts[2], &texts[0], &texts[1]]);
    // To use it is to keep it.
    assert!(matches!(scene.get(&texts[1]), Origin::Cache));
    assert_eq!(names(), [&*texts[1], &texts[2], &texts[0]]);

    let bytes: u64 = scene.cache.artifacts().unwrap()[..2]
        .iter()
        .map(|artifact| artifact.bytes)
        .sum();
    let folder = &scene.cache.inner.folder;
    assert_eq!(entries::trim(folder, bytes, bytes, "").unwrap(), bytes);
    assert_eq!(names(), [&*texts[1], &texts[2]]);
    let key = scene.key(&test_components::parse(&texts[2]));
    entries::trim(folder, 0, 0, &key.artifact()).unwrap();
    assert_eq!(names(), [&*texts[2]], "the newest stays");
}

/// The folder is not looked through at every addition, and stays within its
/// bounds.
#[test]
fn the_folder_stays_within_its_bounds() {
    let scene = Scene::new();
    scene.get(ONE);
    let one = scene.cache.artifacts().unwrap()[0].bytes;
    let capacity = 40 * one;
    let cache = scene.cache.clone().with_capacity(capacity);
    let scene = Scene { cache, ..scene };
    let abandoned = scene.cache.folder().join("old.tmp");
    let abandon = || {
        let file = File::create(&abandoned).unwrap();
        let long_ago = SystemTime::now() - Duration::from_hours(2);
        file.set_modified(long_ago).unwrap();
    };
    let mut looks = 0;
    for count in 0..60 {
        abandon();
        scene.get(&format!(
            "(component (core module) (core module (func)) (type (tuple {})))",
            "u8 ".repeat(count + 1)
        ));
        looks += u32::from(!abandoned.exists());
        let total: u64 = scene
            .cache
            .artifacts()
            .unwrap()
            .iter()
            .map(|artifact| artifact.bytes)
            .sum();
        assert!(total <= capacity, "{count}: {total} of {capacity}");
    }
    assert!(
        (20..=40).contains(&looks),
        "{looks} looks through the folder"
    );
    assert!(scene.cache.artifacts().unwrap().len() > 30);
}

/// What a killed process leaves is no artifact, and goes in time.
#[test]
fn what_was_left_half_written() {
    let scene = Scene::new();
    let key = scene.key(&test_components::parse(ONE));
    let folder = scene.cache.folder();
    fs::write(folder.join(key.artifact()), "half").unwrap();
    let old = folder.join("x.artifact.1-1.tmp");
    let new = folder.join("y.artifact.1-2.tmp");
    for path in [&old, &new] {
        fs::write(path, "half").unwrap();
    }
    let file = File::options().append(true).open(&old).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(2))
        .unwrap();
    assert!(!scene.is_kept());
    assert!(scene.is_kept());
    assert!(!old.exists() && new.exists());
}

/// A disk without room, as it were: the plugin runs all the same.
#[test]
fn what_cannot_be_kept_is_used() {
    let scene = Scene::new();
    let key = scene.key(&test_components::parse(ONE));
    fs::create_dir(scene.cache.folder().join(key.artifact())).unwrap();
    assert!(matches!(scene.get(ONE), Origin::CacheWriteFailed(_)));
    assert_eq!(scene.files("tmp"), [] as [PathBuf; 0], "nothing is left");
}

#[test]
fn a_key_that_is_not_kumikis_is_refused() {
    let scene = tempfile::tempdir().unwrap();
    let folder = scene.path().join("artifacts");
    let open = || Cache::open(&folder).map_err(|error| error.to_string());
    let key = folder.join("key");
    open().unwrap();
    let metadata = fs::metadata(&key).unwrap();
    assert_eq!(
        (metadata.permissions().mode() & 0o777, metadata.len()),
        (0o600, 32)
    );
    let keep = fs::read(&key).unwrap();
    let moved = scene.path().join("moved");
    for spoil in [
        (|key, _| fs::write(key, "short").unwrap()) as fn(&Path, &Path),
        |key, _| fs::set_permissions(key, fs::Permissions::from_mode(0o644)).unwrap(),
        |key, moved| fs::hard_link(key, moved).unwrap(),
        |key, moved| {
            fs::rename(key, moved).unwrap();
            symlink(moved, key).unwrap();
        },
    ] {
        spoil(&key, &moved);
        let error = open().unwrap_err();
        assert!(error.contains("cannot use the key"), "{error}");
        let _ = fs::remove_file(&moved);
        fs::remove_file(&key).unwrap();
        open().unwrap();
    }
    assert_ne!(fs::read(&key).unwrap(), keep, "made anew where nothing was");
    // Whoever put this here has put the rest here too.
    fs::remove_file(&key).unwrap();
    fs::write(folder.join("x.seal"), "").unwrap();
    let error = open().unwrap_err();
    assert!(
        error.contains("there is none, and other files are"),
        "{error}"
    );
}

/// What was left in the folder by another hand is not used, and neither is it
/// written to: it is compiled again.
#[test]
fn what_is_not_as_it_was_made_is_compiled_again() {
    let scene = Scene::new();
    let outside = scene._folder.path().join("outside");
    type Spoil = fn(&Path, &Path);
    let spoils: [(&str, Spoil); 4] = [
        ("open to others", |path, _| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o604)).unwrap();
        }),
        ("another name", |path, outside| {
            fs::hard_link(path, outside).unwrap();
        }),
        ("a link", |path, outside| {
            fs::rename(path, outside).unwrap();
            symlink(outside, path).unwrap();
        }),
        ("another user's", |path, _| {
            // Nobody but root gives files away.
            if rustix::process::geteuid().is_root() {
                std::os::unix::fs::chown(path, Some(65_534), None).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }),
    ];
    for (name, spoil) in spoils {
        for ending in ["artifact", "seal"] {
            scene.get(ONE);
            assert!(scene.is_kept());
            spoil(&scene.files(ending)[0], &outside);
            assert!(!scene.is_kept(), "{name}: {ending}");
            assert!(scene.is_kept(), "{name}: {ending}");
            let _ = fs::remove_file(&outside);
        }
    }
}

/// Whoever holds a lock for long holds up nobody else, who keeps nothing.
#[test]
fn a_lock_that_is_not_given_back() {
    let scene = Scene::new();
    let mut inner = Arc::into_inner(scene.cache.inner).unwrap();
    inner.patience = Duration::from_millis(20);
    let cache = Cache {
        inner: Arc::new(inner),
    };
    let scene = Scene { cache, ..scene };
    let key = scene.key(&test_components::parse(ONE));
    let held = scene.cache.lock(&key).unwrap();
    let Origin::CacheWriteFailed(error) = scene.get(ONE) else {
        panic!("it was kept");
    };
    assert!(error.to_string().contains("another process"), "{error}");
    assert_eq!(scene.files("artifact"), [] as [PathBuf; 0]);
    drop(held);
    assert!(matches!(scene.get(ONE), Origin::Compiled));
}
