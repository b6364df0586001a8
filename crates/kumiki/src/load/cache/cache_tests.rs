use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::*;
use wasmtime::Module;

use crate::EngineConfig;
use crate::engine::{ModuleHash, SharedModule};
use crate::inspect::InstanceSize;
use crate::load::ContractSource;
use crate::load::compiled::{Compiled, Fresh};

/// The size that is stored for each component.
const SIZE: InstanceSize = InstanceSize {
    host_bytes: 1234,
    memories: 1,
    tables: 2,
};

/// A component, as if it was just compiled.
fn fresh(component: Component) -> Fresh<Component> {
    Fresh {
        code: Compiled::Code(component),
        needs: Needs {
            size: SIZE,
            concurrency: false,
            modules: Vec::new(),
        },
        modules_stored: Ok(()),
    }
}

/// A cache and an engine.
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
            engine,
            compiled: AtomicU32::new(0),
        }
    }

    fn key(&self, component: &[u8]) -> ArtifactKey {
        prefix(&self.engine, "wit", "world", &[]).key(component)
    }

    /// Gets or compiles a component; returns its origin.
    fn get(&self, text: &str) -> Origin {
        let component = test_components::parse(text);
        let compile = || {
            self.compiled.fetch_add(1, Ordering::Relaxed);
            let component = Component::from_binary(self.engine.as_wasmtime(), &component);
            Ok(fresh(component.unwrap()))
        };
        let key = self.key(&component);
        let ready = self
            .cache
            .get_or_compile(&self.engine, &key, text, compile)
            .unwrap();
        assert_eq!(ready.needs.size, SIZE);
        ready.origin
    }

    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.cache.folder()).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        paths
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .collect()
    }

    /// Gets [`ONE`]; returns whether it came from the cache.
    fn is_cached(&self) -> bool {
        matches!(self.get(ONE), Origin::Cache)
    }
}

/// Returns the prefix for components that contain all their modules.
pub(super) fn prefix(
    engine: &Engine,
    wit: &'static str,
    world: &'static str,
    optional: &'static [&'static str],
) -> KeyPrefix {
    let source = ContractSource::new(wit, world, optional);
    KeyPrefix::new(engine.as_wasmtime(), &source, false)
}

/// Opens a cache without a settle time.
pub(super) fn open(folder: &Path) -> Cache {
    open_with(folder, Duration::ZERO)
}

/// Opens a cache with this settle time.
fn open_with(folder: &Path, settle_time: Duration) -> Cache {
    let cache = Cache::open(folder).unwrap();
    let mut inner = Arc::into_inner(cache.inner).unwrap();
    inner.settle_time = settle_time;
    Cache {
        inner: Arc::new(inner),
    }
}

const ONE: &str = "(component (core module (func)))";
const TWO: &str = "(component (core module (func) (func)))";

#[test]
fn component_is_compiled_once() {
    let scene = Scene::new();
    assert!(matches!(scene.get(ONE), Origin::Compiled));
    assert!(matches!(scene.get(ONE), Origin::Cache));
    assert!(matches!(scene.get(TWO), Origin::Compiled));
    let names: Vec<_> = scene.cache.artifacts().unwrap();
    let names: Vec<_> = names.iter().map(|artifact| &*artifact.plugin).collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&ONE) && names.contains(&TWO));

    // As another process would.
    let other = Cache::open(scene.cache.folder()).unwrap();
    let key = scene.key(&test_components::parse(ONE));
    let compile = || panic!("it is cached");
    let ready = other.get_or_compile::<Component>(&scene.engine, &key, "", compile);
    let ready = ready.unwrap();
    assert!(matches!(ready.origin, Origin::Cache));
    assert_eq!(ready.needs.size, SIZE);

    assert!(scene.cache.clear().unwrap() > 0);
    assert_eq!(scene.cache.artifacts().unwrap(), []);
    assert!(matches!(scene.get(ONE), Origin::Compiled));
}

#[test]
fn component_too_large_for_slots_is_not_compiled_again() {
    let scene = Scene::new();
    let engine = |slots| {
        let config = EngineConfig::default().with_slots(slots);
        crate::Engine::shared(&config).unwrap()
    };
    let (outside, slots) = (engine(0), engine(20));
    let memories = "(memory 1)".repeat(100);
    let large = format!("(component (core module $m {memories}) (core instance (instantiate $m)))");
    let component = test_components::parse(&large);
    let key = scene.key(&component);
    let get = |engine, compile: &dyn Fn() -> Component| {
        let compile = || Ok(fresh(compile()));
        scene.cache.get_or_compile(engine, &key, "large", compile)
    };
    get(&outside, &|| {
        Component::from_binary(outside.as_wasmtime(), &component).unwrap()
    })
    .unwrap();
    let error = get(&slots, &|| panic!("it is cached")).map(|_| ());
    assert!(matches!(error, Err(Error::Compile { .. })), "{error:?}");
    let ready = get(&outside, &|| panic!("it is cached")).unwrap();
    assert!(matches!(ready.origin, Origin::Cache));
}

#[test]
fn key_covers_everything_that_determines_an_artifact() {
    let scene = Scene::new();
    let fueled = crate::Engine::shared(&EngineConfig::default().with_fuel(true)).unwrap();
    let keys = [
        scene.key(b"one"),
        scene.key(b"two"),
        prefix(&fueled, "wit", "world", &[]).key(b"one"),
        prefix(&scene.engine, "tiw", "world", &[]).key(b"one"),
        prefix(&scene.engine, "wit", "other", &[]).key(b"one"),
        prefix(&scene.engine, "wit", "worldone", &[]).key(b""),
        prefix(&scene.engine, "wit", "world", &["more"]).key(b"one"),
        KeyPrefix::new(
            scene.engine.as_wasmtime(),
            &ContractSource::new("wit", "world", &[]),
            true,
        )
        .key(b"one"),
    ];
    for (index, key) in keys.iter().enumerate() {
        assert!(!keys[..index].contains(key), "{index}");
    }
    assert_eq!(keys[0], scene.key(b"one"));
}

#[test]
fn changed_files_are_compiled_again() {
    let scene = Scene::new();
    assert!(!scene.is_cached());
    for extension in ["artifact", "seal"] {
        let [path] = &*scene.files(extension) else {
            panic!("expected one {extension}");
        };
        let original = fs::read(path).unwrap();
        let length = original.len();
        let changed = [0, 5, length / 2, length - 1].map(|index| {
            let mut bytes = original.clone();
            bytes[index] ^= 1;
            bytes
        });
        let mut longer = original.clone();
        longer.push(b'\n');
        let truncated = [0, 1, length / 2, length - 1].map(|end| original[..end].to_vec());
        for bytes in changed.into_iter().chain(truncated).chain([longer]) {
            fs::write(path, &bytes).unwrap();
            assert!(!scene.is_cached(), "{extension} of {} bytes", bytes.len());
            assert!(scene.is_cached());
        }
        fs::remove_file(path).unwrap();
        assert!(!scene.is_cached(), "no {extension}");
    }
}

/// An artifact is not accepted under another key, nor from another folder.
#[test]
fn artifacts_sealed_elsewhere_are_compiled_again() {
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

#[test]
fn artifact_is_read_again_only_when_its_identity_changes() {
    let scene = Scene::new();
    scene.get(ONE);
    let seal = scene.files("seal").remove(0);
    let artifact = scene.files("artifact").remove(0);
    let seals = || fs::read_to_string(&seal).unwrap();
    let written = seals();
    assert_eq!(written.lines().nth(1), Some("-"), "it was just written");
    assert!(scene.is_cached());
    let read = seals();
    assert_ne!(read, written, "sealed again, with its identity");
    assert!(scene.is_cached());
    assert_eq!(seals(), read);

    let file = File::options().append(true).open(&artifact).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert!(scene.is_cached());
    assert_ne!(seals(), read, "sealed again");

    let mut bytes = fs::read(&artifact).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&artifact, bytes).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert!(!scene.is_cached());
}

/// A new file could be changed within the same tick of the file system's clock, so it is
/// read each time until it is older.
#[test]
fn new_artifact_is_read_each_time() {
    let scene = Scene::new();
    let cache = open_with(scene.cache.folder(), Duration::from_hours(1));
    let scene = Scene { cache, ..scene };
    scene.get(ONE);
    let seal = scene.files("seal").remove(0);
    let written = fs::read(&seal).unwrap();
    assert!(scene.is_cached());
    assert_eq!(fs::read(&seal).unwrap(), written, "its identity was stored");
}

#[test]
fn concurrent_loads_compile_once() {
    let scene = Scene::new();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| scene.get(ONE));
        }
    });
    assert_eq!(scene.compiled.load(Ordering::Relaxed), 1);
}

#[test]
fn least_recently_used_artifacts_are_removed() {
    let scene = Scene::new();
    let texts = ["(func)", "(func) (func)", "(func) (func) (func)"]
        .map(|functions| format!("(component (core module {functions}))"));
    for (index, text) in texts.iter().enumerate() {
        scene.get(text);
        let key = scene.key(&test_components::parse(text));
        let seal = File::options()
            .append(true)
            .open(scene.cache.folder().join(key.seal()))
            .unwrap();
        let hours = [2, 3, 1][index];
        seal.set_modified(SystemTime::now() - Duration::from_hours(hours))
            .unwrap();
    }
    let names = || {
        let artifacts = scene.cache.artifacts().unwrap();
        let names = artifacts.into_iter().map(|artifact| artifact.plugin);
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(), [&*texts[2], &texts[0], &texts[1]]);
    // A use makes it the most recently used.
    assert!(matches!(scene.get(&texts[1]), Origin::Cache));
    assert_eq!(names(), [&*texts[1], &texts[2], &texts[0]]);

    let bytes: u64 = scene.cache.artifacts().unwrap()[..2]
        .iter()
        .map(|artifact| artifact.bytes)
        .sum();
    let folder = &scene.cache.inner.folder;
    assert_eq!(
        trim::artifacts(folder, &scene.cache.inner.key, bytes, bytes, "").unwrap(),
        bytes
    );
    assert_eq!(names(), [&*texts[1], &texts[2]]);
    let key = scene.key(&test_components::parse(&texts[2]));
    trim::artifacts(folder, &scene.cache.inner.key, 0, 0, &key.artifact()).unwrap();
    assert_eq!(names(), [&*texts[2]], "the newest stays");
}

/// The size of the folder is not measured after every addition.
#[test]
fn folder_stays_within_its_capacity() {
    let scene = Scene::new();
    scene.get(ONE);
    let one = scene.cache.artifacts().unwrap()[0].bytes;
    let capacity = 40 * one;
    let cache = scene.cache.clone().with_capacity(capacity);
    let scene = Scene { cache, ..scene };
    let abandoned = scene.cache.folder().join("old.tmp");
    let create_abandoned = || {
        let file = File::create(&abandoned).unwrap();
        let long_ago = SystemTime::now() - Duration::from_hours(2);
        file.set_modified(long_ago).unwrap();
    };
    let mut measured = 0;
    for count in 0..60 {
        create_abandoned();
        scene.get(&format!(
            "(component (core module) (core module (func)) (type (tuple {})))",
            "u8 ".repeat(count + 1)
        ));
        measured += u32::from(!abandoned.exists());
        let total: u64 = scene
            .cache
            .artifacts()
            .unwrap()
            .iter()
            .map(|artifact| artifact.bytes)
            .sum();
        assert!(total <= capacity, "{count}: {total} of {capacity}");
    }
    assert!((20..=40).contains(&measured), "measured {measured} times");
    assert!(scene.cache.artifacts().unwrap().len() > 30);
}

/// Files of a killed process are not used, and are removed later.
#[test]
fn incomplete_files_are_ignored_and_removed() {
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
    assert!(!scene.is_cached());
    assert!(scene.is_cached());
    assert!(!old.exists() && new.exists());
}

/// As with a full disk: the plugin still runs.
#[test]
fn component_that_cannot_be_stored_is_used() {
    let scene = Scene::new();
    let key = scene.key(&test_components::parse(ONE));
    fs::create_dir(scene.cache.folder().join(key.artifact())).unwrap();
    assert!(matches!(scene.get(ONE), Origin::CacheWriteFailed(_)));
    assert_eq!(scene.files("tmp"), [] as [PathBuf; 0]);
}

#[test]
fn invalid_or_missing_key_is_refused() {
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
    let first = fs::read(&key).unwrap();
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
    assert_ne!(
        fs::read(&key).unwrap(),
        first,
        "a new key in an empty folder"
    );
    // Without a key, no file in the folder is trusted.
    fs::remove_file(&key).unwrap();
    fs::write(folder.join("x.seal"), "").unwrap();
    let error = open().unwrap_err();
    assert!(
        error.contains("it is missing, but there are other files"),
        "{error}"
    );
}

/// Files that another user could have placed in the folder are neither used nor written
/// to.
#[test]
fn files_accessible_to_others_are_compiled_again() {
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
            // Only root can change the owner.
            if rustix::process::geteuid().is_root() {
                std::os::unix::fs::chown(path, Some(65_534), None).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }),
    ];
    for (name, spoil) in spoils {
        for extension in ["artifact", "seal"] {
            scene.get(ONE);
            assert!(scene.is_cached());
            spoil(&scene.files(extension)[0], &outside);
            assert!(!scene.is_cached(), "{name}: {extension}");
            assert!(scene.is_cached(), "{name}: {extension}");
            let _ = fs::remove_file(&outside);
        }
    }
}

/// The component is compiled without the lock, but not stored.
#[test]
fn component_is_compiled_when_the_lock_times_out() {
    let scene = Scene::new();
    let mut inner = Arc::into_inner(scene.cache.inner).unwrap();
    inner.lock_timeout = Duration::from_millis(20);
    let cache = Cache {
        inner: Arc::new(inner),
    };
    let scene = Scene { cache, ..scene };
    let key = scene.key(&test_components::parse(ONE));
    let held = scene.cache.lock(&key).unwrap();
    let Origin::CacheWriteFailed(error) = scene.get(ONE) else {
        panic!("it was stored");
    };
    assert!(error.to_string().contains("another process"), "{error}");
    assert_eq!(scene.files("artifact"), [] as [PathBuf; 0]);
    drop(held);
    assert!(matches!(scene.get(ONE), Origin::Compiled));
}

/// It is older than the plugins that it would otherwise displace.
#[test]
fn module_is_removed_with_the_last_component_that_needs_it() {
    let scene = Scene::new();
    let bytes = test_components::parse("(module (func (export \"f\")))");
    let hash = ModuleHash::of(&bytes);
    let module_key = ArtifactKey::of_module(scene.engine.as_wasmtime(), hash);
    let module = Module::from_binary(scene.engine.as_wasmtime(), &bytes).unwrap();
    let compile = || {
        Ok(Fresh {
            code: Compiled::Code(module.clone()),
            needs: Needs::default(),
            modules_stored: Ok(()),
        })
    };
    let stored = scene
        .cache
        .get_or_compile(&scene.engine, &module_key, "module", compile);
    assert!(matches!(stored.unwrap().origin, Origin::Compiled));
    let key = |text: &str| scene.key(&test_components::parse(text));
    let shared = Arc::new(SharedModule { hash, module });
    let one = test_components::parse(ONE);
    let compile = || {
        let component = Component::from_binary(scene.engine.as_wasmtime(), &one);
        let mut fresh = fresh(component.unwrap());
        fresh.needs.modules.push(shared.clone());
        Ok(fresh)
    };
    let stored = scene
        .cache
        .get_or_compile(&scene.engine, &key(ONE), ONE, compile);
    assert_eq!(stored.unwrap().needs.modules.len(), 1);
    scene.get(TWO);
    // The module is older than the component that needs it.
    for (key, hours) in [(&module_key, 4), (&key(ONE), 3), (&key(TWO), 2)] {
        let seal = scene.cache.folder().join(key.seal());
        let file = File::options().append(true).open(seal).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(hours))
            .unwrap();
    }
    let names = || {
        let artifacts = scene.cache.artifacts().unwrap().into_iter();
        let mut names: Vec<_> = artifacts.map(|artifact| artifact.plugin).collect();
        names.sort();
        names
    };
    let total: u64 = scene
        .files("artifact")
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    let Inner { folder, key, .. } = &*scene.cache.inner;
    // As much as the component and its module have.
    let two = fs::metadata(
        scene
            .cache
            .folder()
            .join(scene.key(&test_components::parse(TWO)).artifact()),
    );
    let two = two.unwrap().len();
    trim::artifacts(folder, key, total - 1, two, "").unwrap();
    assert_eq!(names(), [TWO]);
}
