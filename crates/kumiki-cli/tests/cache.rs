//! The compile cache of the real program: shared by processes, after kills, and with
//! damaged files.

#![cfg(unix)]

mod scene;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use scene::{Scene, snapshot};
use test_components::TextPlugin;

const HI: [&str; 5] = ["run", "-p", "plugins", "--text", "hi"];

/// Asserts that both plugins answered without errors.
fn assert_well(output: &str) {
    assert!(output.starts_with("exit code: 0\n"), "{output}");
    assert!(output.contains("[echo] Output: hi\n"), "{output}");
    assert!(!output.contains("compiled each time"), "{output}");
}

#[test]
fn plugins_are_compiled_once() {
    let scene = Scene::with_plugins();
    assert_well(&scene.run_with_cache(&HI));
    let artifacts = scene.cached("artifact");
    assert_eq!(artifacts.len(), 2);
    let written = |path| {
        fs::metadata(path)
            .and_then(|file| file.modified())
            .expect("a time")
    };
    let before: Vec<_> = artifacts.iter().map(written).collect();
    assert_well(&scene.run_with_cache(&HI));
    let after: Vec<_> = artifacts.iter().map(written).collect();
    assert_eq!(before, after);

    let warm = scene.run_with_cache(&["cache", "warm", "plugins"]);
    assert_eq!(warm.matches("already cached").count(), 2, "{warm}");
    let list = scene.run_with_cache(&["cache", "list"]);
    for expected in [
        "plugins/echo.wasm",
        "plugins/picky.wasm",
        "a minute ago",
        "2 artifacts, ",
    ] {
        assert!(list.contains(expected), "{list}");
    }
    let clear = scene.run_with_cache(&["cache", "clear"]);
    assert!(clear.contains("removed "), "{clear}");
    assert_eq!(scene.cached("artifact").len(), 0);
    let warm = scene.run_with_cache(&["cache", "warm", "plugins/echo.wasm", "plugins/picky.wasm"]);
    assert_eq!(warm.matches(": compiled in ").count(), 2, "{warm}");
}

#[test]
fn plugin_that_does_not_load_is_not_cached() {
    let scene = Scene::with_plugins().file("plugins/text.wasm", "hello");
    let warm = scene.run_with_cache(&["cache", "warm", "plugins"]);
    assert!(warm.starts_with("exit code: 1\n"), "{warm}");
    assert!(
        warm.contains("`plugins/text.wasm` is not a component"),
        "{warm}"
    );
    assert_eq!(scene.cached("artifact").len(), 2);
}

#[test]
fn cache_folder_writable_by_others_is_not_used() {
    let scene = Scene::with_plugins();
    assert_well(&scene.run_with_cache(&HI));
    let folder = scene.path("artifacts");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777))
        .expect("the test may change it");
    let output = scene.run_with_cache(&HI);
    assert!(output.starts_with("exit code: 0\n"), "{output}");
    let notice = "plugins are compiled each time: cannot use `";
    assert_eq!(output.matches(notice).count(), 1, "{output}");
    assert!(
        output.contains("remove it if it is a Kumiki cache (it is created again)"),
        "{output}"
    );
    let list = scene.run_with_cache(&["cache", "list"]);
    assert!(list.starts_with("exit code: 1\n"), "{list}");
    // The folder has files, so Kumiki does not use it with a corrected mode either.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))
        .expect("the test may change it");
    let output = scene.run_with_cache(&HI);
    assert_eq!(output.matches(notice).count(), 1, "{output}");
    fs::remove_dir_all(&folder).expect("the test may change it");
    assert_well(&scene.run_with_cache(&HI));
}

#[test]
fn cache_can_be_turned_off() {
    let scene = Scene::with_plugins();
    let mut off = scene.command_with_cache(&HI);
    off.env("KUMIKI_CACHE", "off");
    assert_well(&scene.finish(off, b""));
    assert_eq!(scene.cached("artifact").len(), 0);
    let mut off = scene.command_with_cache(&["cache", "list"]);
    off.env("KUMIKI_CACHE", "off");
    let list = scene.finish(off, b"");
    assert!(list.starts_with("exit code: 2\n"), "{list}");
}

/// A plugin with more than 64 KiB of code in one module.
fn large_plugin() -> Vec<u8> {
    let filler = "nop ".repeat(70_000);
    let plugin = TextPlugin::new("large").items(&format!("(func {filler})"));
    plugin.build()
}

#[test]
fn runtimes_are_listed_with_the_plugins_that_need_them() {
    let scene = Scene::new().file("large.wasm", large_plugin());
    for (variable, runtimes) in [("off", 0), ("on", 1)] {
        let mut warm = scene.command_with_cache(&["cache", "warm", "large.wasm"]);
        warm.env("KUMIKI_SHARED_RUNTIMES", variable);
        let warm = scene.finish(warm, b"");
        assert!(warm.contains("large.wasm: compiled in "), "{warm}");
        let list = scene.run_with_cache(&["cache", "list"]);
        let rows = list.lines().filter(|line| line.starts_with("runtime "));
        let rows: Vec<_> = rows.collect();
        assert_eq!(rows.len(), runtimes, "{list}");
        assert!(
            rows.iter()
                .all(|row| row.ends_with(", needed by large.wasm")),
            "{list}"
        );
    }
    let output = scene.run_with_cache(&["run", "-p", "large.wasm", "--text", "hi"]);
    assert!(output.contains("[large] Output: hi\n"), "{output}");
}

/// Damage to any byte of an artifact could change code, so the plugin is compiled again.
#[test]
fn damaged_artifacts_are_recompiled() {
    let scene = Scene::with_plugins();
    assert_well(&scene.run_with_cache(&HI));
    let damages: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |_| Vec::new(),
        |bytes| bytes[..bytes.len() / 2].to_vec(),
        |_| b"\x7fELF, and nothing else".to_vec(),
        |mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            bytes
        },
    ];
    for damage in damages {
        for ending in ["artifact", "seal"] {
            for path in scene.cached(ending) {
                let bytes = damage(fs::read(&path).expect("the file exists"));
                fs::write(&path, bytes).expect("the test may change it");
            }
            assert_well(&scene.run_with_cache(&HI));
        }
    }
}

#[test]
fn concurrent_processes_share_the_cache() {
    let scene = Scene::with_plugins();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_well(&scene.run_with_cache(&HI)));
        }
    });
    assert_eq!(scene.cached("artifact").len(), 2);
    assert_eq!(scene.cached("tmp").len(), 0);
}

/// A kill at any moment does not affect the next runs.
#[test]
fn killed_process_leaves_a_usable_cache() {
    let functions = "(func (param i32) (result i32) local.get 0)".repeat(2000);
    let large = TextPlugin::new("large").items(&functions);
    let scene = Scene::with_plugins().plugin("plugins/large.wasm", &large);
    for delay in 0..20 {
        let _ = fs::remove_dir_all(scene.path("artifacts"));
        let mut child = scene
            .command_with_cache(&HI)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        thread::sleep(Duration::from_millis(2 * delay));
        child.kill().expect("the program is killed");
        child.wait().expect("the program ends");
        assert_well(&scene.run_with_cache(&HI));
        assert_well(&scene.run_with_cache(&HI));
    }
}

#[test]
fn cache_help() {
    snapshot!(Scene::new().transcript(&["cache", "--help"]));
}

/// A plugin's file is not read again while its metadata is unchanged. After any change
/// to the file or to the index, the plugin that is now in the file runs.
#[test]
fn changed_file_is_compiled_again() {
    const SETTLED: Duration = Duration::from_millis(2200);
    let plugin = |name: &str| TextPlugin::new(name).build();
    let scene = Scene::new().file("plugin.wasm", plugin("one"));
    let path = scene.path("plugin.wasm");
    let hi = ["run", "-p", "plugin.wasm", "--text", "hi"];
    let assert_is = |name: &str| {
        let output = scene.run_with_cache(&hi);
        let expected = format!("[{name}] Output: hi\n");
        assert!(output.contains(&expected), "{name}: {output}");
    };
    let settle = |name: &str| {
        assert_is(name);
        thread::sleep(SETTLED);
        assert_is(name);
        assert_is(name);
    };
    settle("one");
    let [known] = &*scene.cached("known") else {
        panic!("there is not exactly one entry");
    };

    // Same length, with its time set back.
    let modified = fs::metadata(&path).and_then(|file| file.modified());
    let set_back = |path| {
        let file = fs::File::options().append(true).open(path);
        let modified = modified.as_ref().expect("a time");
        file.and_then(|file| file.set_modified(*modified))
            .expect("the test may change it");
    };
    assert_eq!(plugin("one").len(), plugin("two").len());
    fs::write(&path, plugin("two")).expect("the test may change it");
    set_back(&path);
    settle("two");

    for bytes in [&b""[..], b"spoilt\n", &[0xff; 300]] {
        fs::write(known, bytes).expect("the test may change it");
        assert_is("two");
    }

    // Replaced by another file of the same length and age.
    let new = scene.path("new");
    fs::write(&new, plugin("six")).expect("the test may change it");
    set_back(&new);
    fs::rename(&new, &path).expect("the test may change it");
    settle("six");

    // A plugin that requests something that is not granted.
    let greedy = test_components::with_section(
        &plugin("six"),
        "kumiki-requests",
        b"[env]\nLANG = 'why not'",
    );
    fs::write(&path, greedy).expect("the test may change it");
    for _ in 0..3 {
        let output = scene.run_with_cache(&hi);
        assert!(output.starts_with("exit code: 2\n"), "{output}");
        thread::sleep(SETTLED);
        let allowed = [&hi[..], &["--allow-env", "LANG=en"]].concat();
        let output = scene.run_with_cache(&allowed);
        assert!(output.contains("[six] Output: hi\n"), "{output}");
    }
    assert!(
        scene
            .run_with_cache(&["cache", "clear"])
            .contains("removed ")
    );
    assert_eq!(scene.cached("known").len(), 0);
}
