//! `kumiki check`, the real program, on small plugins, with its output as
//! snapshots.

mod scene;

use scene::{Scene, snapshot};
use test_components::{ECHO, TextPlugin};

#[test]
fn check_prints_a_table() {
    let fragile = TextPlugin::new("fragile").process(&format!(
        "(if (i32.eqz (local.get $length)) (then unreachable)) {ECHO}"
    ));
    let scene = Scene::with_plugins()
        .plugin("fragile.wasm", &fragile)
        .file("notes.txt", "hello");
    for arguments in [
        &["check", "plugins/echo.wasm"][..],
        &["check", "fragile.wasm"],
        &["check", "notes.txt"],
        &["check", "nowhere.wasm"],
    ] {
        snapshot!(scene.transcript(arguments));
    }
}

#[test]
fn leak_is_reported_in_bytes_per_call() {
    // One page per 1,000 calls: 65 bytes per call.
    let leaky = TextPlugin::new("leaky").global("calls").process(&format!(
        "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         (if (i32.eqz (i32.rem_u (global.get $calls) (i32.const 1000)))
            (then (drop (memory.grow (i32.const 1))))) {ECHO}"
    ));
    let scene = Scene::new().plugin("leaky.wasm", &leaky);
    snapshot!(scene.transcript(&["check", "leaky.wasm"]));
}

/// A plugin that returns the configuration value of `mode`, or its input without one.
fn configured() -> TextPlugin {
    TextPlugin::new("configured")
        .data(256, "mode")
        .process(&format!(
            "(call $get-config (i32.const 256) (i32.const 4) (i32.const 128))
         {ECHO} drop
         (if (i32.load8_u (i32.const 128)) (then
            (i32.store (i32.const 20) (i32.load (i32.const 132)))
            (i32.store (i32.const 24) (i32.load (i32.const 136)))))
         (i32.const 16)"
        ))
}

#[test]
fn passing_cases() {
    let cases = "\
        {\"input\": \"a\", \"output\": \"a\"}\n\
        \n\
        {\"input\": \"a\", \"output\": \"fast\", \"metadata\": {}, \"config\": {\"mode\": \"fast\"}}\n";
    let scene = Scene::new()
        .plugin("configured.wasm", &configured())
        .file("tests.jsonl", cases);
    snapshot!(scene.transcript(&["check", "configured.wasm", "--cases", "tests.jsonl"]));
}

#[test]
fn failing_cases() {
    let cases = "\
        {\"input\": \"a\", \"output\": \"b\"}\n\
        {\"input\": \"\", \"output\": \"\"}\n\
        {\"input\": \"\", \"error\": \"unsupported-format\"}\n\
        {\"input\": \"a\", \"error\": \"invalid-input\"}\n\
        {\"input\": \"a\", \"output\": \"a\", \"metadata\": {\"words\": \"1\"}}\n\
        {\"input\": \"\", \"error\": \"invalid-input\"}\n";
    let scene = Scene::with_plugins().file("tests.jsonl", cases);
    snapshot!(scene.transcript(&["check", "plugins/picky.wasm", "--cases", "tests.jsonl"]));
}

#[test]
fn invalid_cases_are_usage_errors() {
    for cases in [
        "",
        "{\"input\": \"a\", \"output\": \"a\"}\n{\"input\": \"a\", \"outptu\": \"a\"}\n",
        "{\"input\": \"a\"}\n",
        "not JSON\n",
    ] {
        let scene = Scene::with_plugins().file("tests.jsonl", cases);
        let arguments = ["check", "plugins/echo.wasm", "--cases", "tests.jsonl"];
        snapshot!(format!("{cases}---\n{}", scene.run(&arguments)));
    }
    let scene = Scene::with_plugins();
    snapshot!(scene.transcript(&["check", "plugins/echo.wasm", "--cases", "nowhere.jsonl"]));
    snapshot!(scene.transcript(&["check", "--help"]));
}

/// A trap has no message; the plugin logged it.
#[test]
fn log_of_a_failed_check_is_shown() {
    let log = |level| format!("(call $log (i32.const {level}) (i32.const 300) (i32.const 11))");
    let panics = TextPlugin::new("panics")
        .data(300, "src.c:7 odd")
        .process(&format!(
            "{} (if (i32.eq (local.get $length) (i32.const 3)) (then {} {} unreachable)) {ECHO}",
            log(3),
            log(2),
            log(3),
        ));
    let scene = Scene::new().plugin("panics.wasm", &panics).file(
        "tests.jsonl",
        "{\"input\": \"a\", \"output\": \"a\"}\n{\"input\": \"odd\", \"output\": \"odd\"}\n",
    );
    snapshot!(scene.transcript(&["check", "panics.wasm", "--cases", "tests.jsonl"]));
}

#[test]
fn component_of_another_contract_is_recognised() {
    let wit = "package a:b; world w { import user: func(); export greet: func(); }";
    let core = r#"(import "$root" "user" (func)) (func (export "greet"))"#;
    let other = test_components::build(wit, "w", core);
    let scene = Scene::new().file("greet.wasm", other);
    snapshot!(scene.transcript(&["check", "greet.wasm"]));
    snapshot!(scene.transcript(&["doctor", "greet.wasm"]));
}
