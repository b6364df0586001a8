//! `kumiki call`, the real program, with its output as snapshots.

mod scene;

use scene::{Scene, snapshot};
use test_components::TextPlugin;

const WIT: &str = "
    package example:calc;
    world calc {
        import outside: func();
        export half: func(n: u32) -> result<u32, string>;
        export hidden: func() -> string;
        export fails: func();
        export asks: func();
    }
";

const CORE: &str = r#"
    (import "$root" "outside" (func $outside))
    (data (i32.const 64) "odd")
    (data (i32.const 80) "a\e2\80\8bb\1b[2J")
    (func (export "half") (param i32) (result i32)
        (i32.store8 (i32.const 16) (i32.and (local.get 0) (i32.const 1)))
        (i32.store (i32.const 20) (i32.shr_u (local.get 0) (i32.const 1)))
        (if (i32.and (local.get 0) (i32.const 1)) (then
            (i32.store (i32.const 20) (i32.const 64))
            (i32.store (i32.const 24) (i32.const 3))))
        (i32.const 16))
    (func (export "hidden") (result i32)
        (i32.store (i32.const 16) (i32.const 80))
        (i32.store (i32.const 20) (i32.const 9))
        (i32.const 16))
    (func (export "fails") unreachable)
    (func (export "asks") (call $outside))
"#;

fn scene() -> Scene {
    let calc = test_components::build(WIT, "calc", CORE);
    Scene::with_plugins()
        .file("calc.wasm", calc)
        .file("notes.txt", "hello")
}

#[test]
fn functions_of_any_component_are_listed_and_called() {
    let scene = scene();
    for arguments in [
        &["call", "calc.wasm"][..],
        &["call", "calc.wasm", "half(8)", "half(12)"],
        &["call", "calc.wasm", "half(8)", "half(7)"],
        &["call", "calc.wasm", "hidden()"],
        &["call", "plugins/echo.wasm", "get-name()", "process(\"hi\")"],
        &["call", "plugins/echo.wasm", "plugin#process(\"hi\")"],
    ] {
        snapshot!(scene.transcript(arguments));
    }
}

#[test]
fn faults_of_calls_are_explained() {
    let scene = scene();
    for arguments in [
        &["call", "calc.wasm", "half(\"8\")"][..],
        &["call", "calc.wasm", "double(8)"],
        &["call", "calc.wasm", "half"],
        &["call", "calc.wasm", "half(8"],
        &["call", "calc.wasm", "fails()"],
        &["call", "calc.wasm", "asks()"],
        &["call", "notes.txt", "half(8)"],
        &["call", "nowhere.wasm", "half(8)"],
    ] {
        snapshot!(scene.transcript(arguments));
    }
}

#[test]
fn configuration_and_logs_are_those_of_the_text_contract() {
    let process = r#"
        (call $get-config (i32.const 300) (i32.const 4) (i32.const 32))
        (call $log (i32.const 2) (i32.const 300) (i32.const 4))
    "#;
    let guest = TextPlugin::new("logs")
        .data(300, "mode")
        .process(&format!("{process} {}", test_components::ECHO));
    let scene = Scene::new().file("logs.wasm", guest.build());
    snapshot!(scene.transcript(&["call", "logs.wasm", "-c", "mode=x", "process(\"hi\")"]));
}
