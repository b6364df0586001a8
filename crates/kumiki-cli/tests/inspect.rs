//! `kumiki inspect`, the real program, on files of every kind, with its output as
//! snapshots.

mod scene;

use scene::{Scene, snapshot};
use test_components::TextPlugin;

/// The contract in its binary form.
fn wit_package() -> Vec<u8> {
    test_components::wit_package(test_components::TEXT_PROCESSOR)
}

/// An artifact: a component that wasmtime has compiled for this machine.
fn artifact(component: &[u8]) -> Vec<u8> {
    let engine = kumiki::wasmtime::Engine::default();
    engine
        .precompile_component(component)
        .expect("the component compiles")
}

#[test]
fn inspect_identifies_any_file() {
    let core = test_components::core_module("(func (export \"process\"))");
    let wasi = test_components::parse(
        r#"(component
            (import "wasi:filesystem/types@0.2.0" (instance))
            (import "wasi:cli/environment@0.2.0" (instance)))"#,
    );
    let whole = TextPlugin::new("echo").build();
    let scene = Scene::with_plugins()
        .file("core.wasm", core)
        .file("wasi.wasm", wasi)
        .file("notes.txt", "hello")
        .file("empty.wasm", "")
        .file("cut.wasm", &whole[..whole.len() / 2])
        .file("contract.wasm", wit_package())
        .file("compiled.cwasm", artifact(&whole));
    for arguments in [
        &["inspect", "plugins/echo.wasm"][..],
        &["inspect", "plugins/echo.wasm", "--json"],
        &["inspect", "plugins/echo.wasm", "--wit"],
        &["inspect", "wasi.wasm"],
        &["inspect", "core.wasm"],
        &["inspect", "notes.txt"],
        &["inspect", "notes.txt", "--json"],
        &["inspect", "notes.txt", "--wit"],
        &["inspect", "empty.wasm"],
        &["inspect", "nowhere.wasm"],
        &["inspect", "cut.wasm"],
        &["inspect", "contract.wasm"],
        &["inspect", "compiled.cwasm"],
        &["inspect", "compiled.cwasm", "--json"],
    ] {
        snapshot!(scene.transcript(arguments));
    }
}

/// Files whose analysis takes more than linear time are not analysed, and this is
/// reported: each of these took minutes, or all memory.
#[test]
fn oversized_files_are_not_analysed() {
    let empty = b"\0asm\x0d\0\x01\0";
    let nested = (0..200).fold(empty.to_vec(), |inner, _| {
        let length = inner.len();
        let section = [4, (length & 0x7f) as u8 | 0x80, (length >> 7) as u8];
        [&empty[..], &section, &inner].concat()
    });
    let scene = Scene::new().file("nested.wasm", nested);
    for arguments in [
        &["inspect", "nested.wasm"][..],
        &["inspect", "nested.wasm", "--json"],
        &["inspect", "nested.wasm", "--wit"],
        &["doctor", "nested.wasm"],
    ] {
        snapshot!(scene.transcript(arguments));
    }
}

#[cfg(unix)]
#[test]
fn device_is_not_read() {
    for command in ["inspect", "doctor"] {
        let text = Scene::new().run(&[command, "/dev/zero"]);
        assert!(text.starts_with("exit code: 2"), "{text}");
        assert!(text.contains("it is not a regular file"), "{text}");
    }
}
