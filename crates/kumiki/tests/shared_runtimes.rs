//! Plugins that contain the same large core module, as plugins of one language contain its
//! runtime.

#![cfg(feature = "cache")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kumiki::{Any, Artifact, Cache, Error, Event, Host, HostBuilder, Observer};

/// A cache in a folder that only this test uses.
struct Scene {
    folder: tempfile::TempDir,
    cache: Cache,
    origins: Origins,
}

/// Whether each loaded plugin was in the cache.
#[derive(Clone, Default)]
struct Origins(Arc<Mutex<Vec<bool>>>);

impl Observer for Origins {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Loaded { cache_hit, .. } => self.0.lock().unwrap().push(*cache_hit),
            Event::CacheWriteFailed { error, .. } => panic!("{error}"),
            _ => {}
        }
    }
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path().join("artifacts")).unwrap();
        Self {
            folder,
            cache,
            origins: Origins::default(),
        }
    }

    /// A host with the cache.
    fn host(&self) -> HostBuilder<Any> {
        Host::<Any>::builder()
            .cache(self.cache.clone())
            .observer(self.origins.clone())
    }

    /// Loads a plugin and calls it; returns whether it was in the cache.
    fn run(&self, runtime: &str, own: u32) -> bool {
        let host = self.host().build().unwrap();
        assert_eq!(call(&host, runtime, own), sum(own));
        self.origins.0.lock().unwrap().pop().unwrap()
    }

    fn runtimes(&self) -> Vec<Artifact> {
        let artifacts = self.cache.artifacts().unwrap().into_iter();
        artifacts.filter(|it| it.runtime.is_some()).collect()
    }

    /// Returns the paths of the runtimes' files.
    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.cache.folder()).unwrap();
        let is_runtime = |name: &str| name.len() > 100 && name.ends_with(extension);
        files
            .map(|file| file.unwrap())
            .filter(|file| file.file_name().to_str().is_some_and(is_runtime))
            .map(|file| file.path())
            .collect()
    }
}

/// The text of a core module with more than 64 KiB of code. Different for each test,
/// because plugins of one process share the modules that are in use.
fn runtime() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let store = |at: u32| format!("(i32.store (i32.const {}) (i32.const 7))", 4 * at);
    let filler: String = (0..12_000).map(store).collect();
    format!(
        "(core module $runtime (import \"own\" \"value\" (func $own (result i32)))
            (memory 1)
            (func $deep (result i32) {filler} (unreachable))
            (func (export \"sum\") (result i32) (i32.add (i32.const {BASE}) (call $own)))
            (func (export \"trap\") (result i32) (call $deep))
            (func (export \"number\") (result i32) i32.const {count}))"
    )
}

const BASE: u32 = 1000;

fn sum(own: u32) -> String {
    (BASE + own).to_string()
}

/// A plugin with a runtime and a value of its own.
fn plugin(runtime: &str, own: u32) -> Vec<u8> {
    test_components::parse(&format!(
        "(component
            (core module $own (func (export \"value\") (result i32) i32.const {own}))
            {runtime}
            (core instance $own (instantiate $own))
            (core instance $runtime (instantiate $runtime (with \"own\" (instance $own))))
            (func (export \"sum\") (result u32) (canon lift (core func $runtime \"sum\")))
            (func (export \"trap\") (result u32) (canon lift (core func $runtime \"trap\"))))"
    ))
}

fn call(host: &Host<Any>, runtime: &str, own: u32) -> String {
    let plugin = host
        .load_bytes(&format!("plugin-{own}"), &plugin(runtime, own))
        .unwrap();
    let mut instance = plugin.instantiate(()).unwrap();
    instance.call_wave("sum()").unwrap()
}

#[test]
fn runtime_is_compiled_and_stored_once() {
    let (scene, runtime) = (Scene::new(), runtime());
    assert!(!scene.run(&runtime, 1) && !scene.run(&runtime, 2));
    let [artifact] = &*scene.runtimes() else {
        panic!("{:?}", scene.runtimes());
    };
    let found = artifact.runtime.as_ref().unwrap();
    assert_eq!(found.plugins, ["plugin-1", "plugin-2"]);
    assert_eq!(found.hash.len(), 64);
    let artifacts = scene.cache.artifacts().unwrap();
    assert_eq!(artifacts.len(), 3);
    let plugins = artifacts.iter().filter(|it| it.runtime.is_none());
    for plugin in plugins {
        assert!(plugin.bytes < artifact.bytes, "{plugin:?}");
    }
    assert!(scene.run(&runtime, 1) && scene.run(&runtime, 2));
}

#[test]
fn plugins_contain_their_runtime_if_sharing_is_off() {
    let (scene, runtime) = (Scene::new(), runtime());
    let host = scene.host().shared_runtimes(false).build().unwrap();
    assert_eq!(call(&host, &runtime, 1), sum(1));
    assert_eq!(scene.runtimes(), []);
    // Their artifacts are not those of plugins that share.
    assert!(!scene.run(&runtime, 1));
    assert_eq!(scene.cache.artifacts().unwrap().len(), 3);
}

#[test]
fn runtime_is_shared_without_a_cache_and_outside_of_slots() {
    let runtime = runtime();
    let host = Host::<Any>::builder().slots(1).build().unwrap();
    let plugins: Vec<_> = (0..3)
        .map(|own| host.load_bytes("p", &plugin(&runtime, own)).unwrap())
        .collect();
    // One of them is in the slot.
    let mut instances: Vec<_> = plugins
        .iter()
        .map(|it| it.instantiate(()).unwrap())
        .collect();
    for (own, instance) in instances.iter_mut().enumerate() {
        assert_eq!(instance.call_wave("sum()").unwrap(), sum(own as u32));
    }
}

/// The code is mapped once, for however many plugins.
#[test]
#[cfg(target_os = "linux")]
fn plugins_map_the_same_machine_code() {
    let (scene, runtime) = (Scene::new(), runtime());
    for own in 0..5 {
        scene.run(&runtime, own);
    }
    let host = scene.host().build().unwrap();
    let load = |own| host.load_bytes("p", &plugin(&runtime, own)).unwrap();
    let plugins: Vec<_> = (0..5).map(load).collect();
    let [file] = &*scene.files("artifact") else {
        panic!("expected one runtime");
    };
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let code = maps
        .lines()
        .filter(|line| line.contains("r-xp") && line.ends_with(file.to_str().unwrap()));
    assert_eq!(code.count(), 1, "{maps}");
    drop(plugins);
}

#[test]
fn backtrace_is_the_same_if_the_runtime_is_shared() {
    let runtime = runtime();
    let frames = |share| {
        let host = Host::<Any>::builder().shared_runtimes(share);
        let host = host.build().unwrap();
        let plugin = host.load_bytes("p", &plugin(&runtime, 1)).unwrap();
        let mut instance = plugin.instantiate(()).unwrap();
        let Error::Trap { backtrace, .. } = instance.call_wave("trap()").unwrap_err() else {
            panic!("it trapped");
        };
        // Offsets are counted from the start of the module, if it is shared.
        let frames = backtrace
            .lines()
            .map(|line| line.rsplit(' ').next().unwrap().to_owned());
        frames.collect::<Vec<_>>()
    };
    let shared = frames(true);
    assert_eq!(shared[0], "runtime!deep", "{shared:?}");
    assert_eq!(shared, frames(false));
}

#[test]
fn missing_or_changed_runtime_is_compiled_again() {
    let (scene, runtime) = (Scene::new(), runtime());
    type Spoil = fn(&PathBuf);
    let spoils: [(&str, Spoil); 3] = [
        ("missing", |file| fs::remove_file(file).unwrap()),
        ("truncated", |file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("changed", |file| {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(file, &bytes).unwrap();
        }),
    ];
    for (name, spoil) in spoils {
        for extension in ["artifact", "seal"] {
            scene.run(&runtime, 1);
            assert!(scene.run(&runtime, 1));
            spoil(&scene.files(extension)[0]);
            assert!(!scene.run(&runtime, 1), "{name} {extension}");
            assert!(scene.run(&runtime, 1), "{name} {extension}");
        }
    }
}

/// An artifact is accepted for its own module only, and never as a component.
#[test]
fn artifact_of_another_runtime_is_compiled_again() {
    let (scene, one, two) = (Scene::new(), runtime(), runtime());
    scene.run(&one, 1);
    let files = || [scene.files("artifact"), scene.files("seal")].concat();
    let first = files();
    scene.run(&two, 2);
    for from in &first {
        let extension = from.extension().unwrap();
        let mut second = files().into_iter().filter(|it| !first.contains(it));
        let to = second.find(|it| it.extension() == Some(extension));
        fs::copy(from, to.unwrap()).unwrap();
    }
    assert!(!scene.run(&two, 2));
}

/// As after a `kill -9` between the two artifacts.
#[test]
fn runtime_without_its_plugin_is_used() {
    let (scene, runtime) = (Scene::new(), runtime());
    scene.run(&runtime, 1);
    let [file] = &*scene.files("artifact") else {
        panic!("expected one runtime");
    };
    let before = fs::metadata(file).unwrap().modified().unwrap();
    for file in fs::read_dir(scene.cache.folder()).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        if name.len() < 100 && (name.ends_with(".artifact") || name.ends_with(".seal")) {
            fs::remove_file(file.path()).unwrap();
        }
    }
    assert!(!scene.run(&runtime, 1));
    assert_eq!(fs::metadata(file).unwrap().modified().unwrap(), before);
}

#[test]
fn runtime_that_is_removed_while_it_is_in_use_still_runs() {
    let (scene, runtime) = (Scene::new(), runtime());
    scene.run(&runtime, 1);
    let host = scene.host().build().unwrap();
    let loaded = host.load_bytes("p", &plugin(&runtime, 1)).unwrap();
    assert!(scene.cache.clear().unwrap() > 0);
    let mut instance = loaded.instantiate(()).unwrap();
    assert_eq!(instance.call_wave("sum()").unwrap(), sum(1));
    // A new plugin shares it, though it is not in the cache.
    assert_eq!(call(&host, &runtime, 2), sum(2));
    assert_eq!(scene.runtimes(), []);
    drop((instance, loaded, host));
    assert!(!scene.run(&runtime, 2));
    assert!(scene.run(&runtime, 2));
}

#[test]
fn runtime_in_use_is_not_removed_for_its_age() {
    let (scene, one, two) = (Scene::new(), runtime(), runtime());
    scene.run(&one, 0);
    let artifacts = scene.cache.artifacts().unwrap();
    let bytes: u64 = artifacts.iter().map(|artifact| artifact.bytes).sum();
    // There is room for one runtime and several plugins.
    let cache = scene.cache.clone().with_capacity(bytes + bytes / 2);
    let scene = Scene { cache, ..scene };
    for own in 1..20 {
        scene.run(&one, own);
        let [artifact] = &*scene.runtimes() else {
            panic!("{own}: {:?}", scene.runtimes());
        };
        let plugins = &artifact.runtime.as_ref().unwrap().plugins;
        assert!(plugins.contains(&format!("plugin-{own}")), "{plugins:?}");
    }
    // Once no plugin in the cache needs it, it is removed.
    scene.run(&two, 0);
    let runtimes = scene.runtimes();
    assert!(
        runtimes
            .iter()
            .all(|it| it.runtime.as_ref().unwrap().plugins == ["plugin-0"]),
        "{runtimes:?}"
    );
    drop(scene.folder);
}

/// A module is found by its bytes, never by a name that a component gives.
#[test]
fn component_cannot_name_the_runtime_that_it_gets() {
    let (scene, runtime) = (Scene::new(), runtime());
    let host = scene.host().build().unwrap();
    let _loaded = host.load_bytes("p", &plugin(&runtime, 1)).unwrap();
    let hash = scene.runtimes()[0].runtime.as_ref().unwrap().hash.clone();
    let component = test_components::parse(&format!(
        "(component
            (import \"kumiki-shared-module-x{hash}\" (core module $m
                (export \"number\" (func (result i32)))))
            (core instance $i (instantiate $m))
            (func (export \"sum\") (result u32) (canon lift (core func $i \"number\"))))"
    ));
    let error = host.load_bytes("thief", &component).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}
