//! Plugins without their language's runtime: the real program makes, runs and restores them.
//! JavaScript needs no toolchain.

#![cfg(unix)]

mod scene;

use std::fs;

use scene::{Scene, snapshot};

fn done(scene: &Scene, arguments: &[&str]) -> String {
    let output = scene.run_with_cache(arguments);
    assert!(output.starts_with("exit code: 0\n"), "{output}");
    output
}

/// A scene with the plugin `tidy/tidy.wasm`.
fn tidy() -> Scene {
    let scene = Scene::new();
    done(&scene, &["new", "tidy", "--lang", "js"]);
    done(&scene, &["build", "tidy"]);
    scene
}

/// A scene in which `other/tidy.wasm` contains a runtime that differs in one byte from the
/// program's.
fn other_runtime() -> Scene {
    let scene = tidy();
    let mut bytes = scene.contents("tidy/tidy.wasm");
    let text = b"Maximum call stack";
    let mut places = bytes.windows(text.len());
    let place = places.position(|found| found == text);
    bytes[place.expect("a message of the engine")] = b'N';
    scene.file("other/tidy.wasm", bytes)
}

fn runs(scene: &Scene, plugin: &str) -> String {
    scene.run_with_cache(&["run", "-p", plugin, "--text", " some   text "])
}

fn assert_runs(scene: &Scene, plugin: &str) {
    let output = runs(scene, plugin);
    assert!(output.contains("Output: some text\n"), "{output}");
}

#[test]
fn thin_plugin_runs_and_is_restored_byte_for_byte() {
    let scene = tidy();
    let output = done(&scene, &["thin", "tidy/tidy.wasm"]);
    assert!(output.contains("tidy/tidy.thin.wasm: "), "{output}");
    let (whole, thin) = (
        scene.contents("tidy/tidy.wasm"),
        scene.contents("tidy/tidy.thin.wasm"),
    );
    assert!(thin.len() < 30_000, "{}", thin.len());
    for _ in 0..2 {
        assert_runs(&scene, "tidy/tidy.thin.wasm");
    }
    done(&scene, &["fat", "tidy/tidy.thin.wasm"]);
    assert_eq!(scene.contents("tidy/tidy.fat.wasm"), whole);
    done(&scene, &["inspect", "tidy/tidy.thin.wasm"]);
    done(&scene, &["check", "tidy/tidy.thin.wasm"]);
    // A thin plugin is the same plugin: its artifact is that of the whole one.
    let list = done(&scene, &["cache", "list"]);
    assert!(list.contains("\n2 artifacts, "), "{list}");
    assert_runs(&scene, "tidy/tidy.wasm");
    assert_eq!(
        done(&scene, &["cache", "list"]).lines().count(),
        list.lines().count()
    );
}

#[test]
fn build_writes_a_thin_plugin() {
    let scene = tidy();
    done(&scene, &["build", "tidy", "--thin", "-o", "thin.wasm"]);
    done(&scene, &["thin", "tidy/tidy.wasm"]);
    assert_eq!(
        scene.contents("thin.wasm"),
        scene.contents("tidy/tidy.thin.wasm")
    );
    let again = done(&scene, &["build", "tidy", "--thin", "-o", "thin.wasm"]);
    assert!(again.contains("is up to date"), "{again}");
}

#[test]
fn plugin_without_a_runtime_stays_whole() {
    let scene = Scene::with_plugins();
    snapshot!(scene.run_with_cache(&["thin", "plugins/echo.wasm"]));
}

#[test]
fn missing_runtime_is_named_until_a_whole_plugin_brings_it() {
    let scene = other_runtime();
    done(&scene, &["thin", "other/tidy.wasm"]);
    for command in ["run -p", "fat", "inspect", "check"] {
        let words: Vec<_> = command.split(' ').chain(["other/tidy.thin.wasm"]).collect();
        let output = scene.run_with_cache(&words);
        assert!(!output.starts_with("exit code: 0\n"), "{command}: {output}");
        for part in [
            "its runtime ",
            "is not on this machine",
            "hint: load a whole plugin",
        ] {
            assert!(output.contains(part), "{command}: no `{part}` in {output}");
        }
    }
    // The program's own runtime, which differs in one byte, is not taken.
    assert_runs(&scene, "tidy/tidy.wasm");
    assert!(runs(&scene, "other/tidy.thin.wasm").contains("is not on this machine"));

    assert_runs(&scene, "other/tidy.wasm");
    assert_runs(&scene, "other/tidy.thin.wasm");
    done(&scene, &["fat", "other/tidy.thin.wasm"]);
    assert_eq!(
        scene.contents("other/tidy.fat.wasm"),
        scene.contents("other/tidy.wasm")
    );
}

#[test]
fn spoilt_runtime_is_not_taken() {
    let scene = other_runtime();
    done(&scene, &["thin", "other/tidy.wasm"]);
    assert_runs(&scene, "other/tidy.wasm");
    let [module] = &scene.cached("module")[..] else {
        panic!("one runtime");
    };
    let mut bytes = fs::read(module).expect("the runtime");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(module, &bytes).expect("the runtime can be changed");
    let output = runs(&scene, "other/tidy.thin.wasm");
    assert!(output.contains("is not on this machine"), "{output}");
    assert!(scene.path("artifacts").is_dir());
    assert!(scene.cached("module").is_empty(), "it is removed");
}

#[test]
fn clear_removes_the_bytes_of_runtimes() {
    let scene = tidy();
    assert_runs(&scene, "tidy/tidy.wasm");
    assert_eq!(scene.cached("module").len(), 1);
    done(&scene, &["cache", "clear"]);
    assert!(scene.path("artifacts").is_dir());
    assert_eq!(scene.cached("module").len(), 0);
}

#[test]
fn warm_prepares_a_machine_for_a_language() {
    let scene = tidy();
    let output = done(&scene, &["cache", "warm", "--runtimes", "js"]);
    assert!(
        output.contains("runtimes/javascript/runtime.wasm: compiled in"),
        "{output}"
    );
    let list = done(&scene, &["cache", "list"]);
    assert!(list.contains("runtime "), "{list}");
    let python = scene.run_with_cache(&["cache", "warm", "--runtimes", "python"]);
    assert!(python.starts_with("exit code: 1\n"), "{python}");
    assert!(python.contains("hint: install it with"), "{python}");
}
