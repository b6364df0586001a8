//! `kumiki doctor`, the real program: each diagnosis with its fix, as snapshots.

mod scene;

use scene::{Scene, snapshot};
use test_components::{ECHO, TEXT_PROCESSOR, TextPlugin};

/// Its output for a path in the scene, with no toolchains, so that it is the same on
/// every machine.
fn doctor(scene: &Scene, path: &str) -> String {
    let mut command = scene.command(&["doctor", path]);
    command.env("PATH", "");
    format!("kumiki doctor {path}\n{}", scene.finish(command, b""))
}

/// Its output for a component or core module in text format.
fn doctor_on_text(name: &str, text: &str) -> String {
    doctor_on(name, &test_components::parse(text))
}

fn doctor_on(name: &str, bytes: &[u8]) -> String {
    doctor(&Scene::new().file(name, bytes), name)
}

/// A C project with this WIT.
fn project(wit: &str) -> Scene {
    let manifest = "name = \"mine\"\nlanguage = \"c\"\nwit = \"wit\"\nworld = \"w\"\n";
    Scene::new()
        .file("mine/kumiki.toml", manifest)
        .file("mine/wit/world.wit", wit)
        .file("mine/plugin.c", "")
}

#[test]
fn healthy_plugin_has_no_diagnoses() {
    // Enough code that the share of its names is not reported.
    let body = format!("{} {ECHO}", "(nop)".repeat(12_000));
    let plugin = TextPlugin::new("echo").process(&body);
    snapshot!(doctor(
        &Scene::new().plugin("plugin.wasm", &plugin),
        "plugin.wasm"
    ));
}

#[test]
fn missing_path_is_a_usage_error() {
    snapshot!(doctor(&Scene::new(), "nowhere"));
}

#[test]
fn invalid_manifest_is_diagnosed() {
    let scene = Scene::new().file("faulty/kumiki.toml", "name = 7\n");
    snapshot!(doctor(&scene, "faulty"));
}

#[test]
fn names_not_in_kebab_case_are_diagnosed() {
    let wit = "package a:b;\n\ninterface types {\n  record processResult {\n    \
               the_output: string, // notThis\n  }\n}\n";
    snapshot!(doctor(&project(wit), "mine"));
}

/// Each is reported with the most similar import of the world.
#[test]
fn unknown_javascript_imports_are_diagnosed() {
    let manifest = "name = \"mine\"\nlanguage = \"javascript\"\nwit = \"wit\"\n\
                    world = \"text-plugin\"\n[build]\nentry = \"plugin.ts\"\n";
    let plugin = "// Why not?\nimport { log } from \"myapp:text-processor/host-apis\";\n\
                  import { helper } from \"./helper.ts\";\n";
    let helper = "import { getConfigs, log } from \"myapp:text-processor/host-api\";\n";
    let scene = Scene::new()
        .file("mine/kumiki.toml", manifest)
        .file("mine/wit/world.wit", TEXT_PROCESSOR)
        .file("mine/plugin.ts", plugin)
        .file("mine/helper.ts", helper);
    snapshot!(doctor(&scene, "mine"));
}

#[test]
fn missing_source_module_is_diagnosed() {
    let manifest = "name = \"mine\"\nlanguage = \"javascript\"\nwit = \"wit\"\n\
                    world = \"text-plugin\"\n";
    let scene = Scene::new()
        .file("mine/kumiki.toml", manifest)
        .file("mine/wit/world.wit", TEXT_PROCESSOR);
    snapshot!(doctor(&scene, "mine"));
}

/// Built for a later contract, which has one more function.
#[test]
fn unknown_host_function_is_diagnosed() {
    let wit = TEXT_PROCESSOR.replace(
        "    get-config:",
        "    get-time: func() -> u64;\n    get-config:",
    );
    let core = format!(
        "(import \"myapp:text-processor/host-api\" \"get-time\" (func (result i64)))\n{}",
        TextPlugin::new("later").core()
    );
    let later = test_components::build(&wit, "text-plugin", &core);
    snapshot!(doctor_on("later.wasm", &later));
}

/// Built for a version of the contract that this host does not have.
#[test]
fn unknown_contract_version_is_diagnosed() {
    let wit = TEXT_PROCESSOR.replacen("text-processor;", "text-processor@2.0.0;", 1);
    let core = TextPlugin::new("later").core();
    let core = ["host-api", "plugin"].iter().fold(core, |core, interface| {
        let name = format!("myapp:text-processor/{interface}");
        core.replace(&name, &format!("{name}@2.0.0"))
    });
    let later = test_components::build(&wit, "text-plugin", &core);
    snapshot!(doctor_on("later.wasm", &later));
}

#[test]
fn unknown_wasi_interfaces_are_diagnosed() {
    for import in [
        "wasi:config/store@0.2.0-rc.1",
        "wasi:keyvalue/store@0.2.0-draft",
        "wasi:cli/stdin@0.2.0-rc-2023-12-05",
        "wasi:clocks/timezone@0.2.3",
    ] {
        let text = format!("(component (import \"{import}\" (instance)))");
        snapshot!(doctor_on_text("plugin.wasm", &text));
    }
}

/// A well-known interface with a function from a later release.
#[test]
fn unknown_wasi_function_is_diagnosed() {
    let plugin = with_import(
        "(import \"wasi:random/random@0.2.99\" \"get-random-bool\" (func (result i32)))",
        "package wasi:random@0.2.99 {
            interface random { get-random-bool: func() -> bool; }
        }",
        "import wasi:random/random@0.2.99;",
    );
    snapshot!(doctor_on("plugin.wasm", &plugin));
}

/// A well-behaved plugin with an additional import.
fn with_import(core: &str, packages: &str, import: &str) -> Vec<u8> {
    let wit = format!(
        "{}\n{packages}",
        TEXT_PROCESSOR.replace("import host-api;", &format!("import host-api; {import}"))
    );
    let core = format!("{core}\n{}", TextPlugin::new("echo").core());
    test_components::build(&wit, "text-plugin", &core)
}

#[test]
fn wasi_0_3_is_diagnosed() {
    let text = "(component (import \"wasi:cli/stdin@0.3.0\" (instance)))";
    snapshot!(doctor_on_text("plugin.wasm", text));
    let draft = "(component (import \"wasi:cli/stdin@0.3.0-rc-2025-09-16\" (instance)))";
    snapshot!(doctor_on_text("plugin.wasm", draft));
}

/// It imports nothing of WASI; its own function is asynchronous.
#[test]
fn asynchronous_plugin_is_diagnosed() {
    let wit = TEXT_PROCESSOR.replace("process: func(", "process: async func(");
    let core = TextPlugin::new("later").core();
    let later = test_components::build(&wit, "text-plugin", &core);
    snapshot!(doctor_on("plugin.wasm", &later));
    // It fits the contract, but is asynchronous inside: an additional section of
    // canonical functions has `task.cancel`.
    let mut plugin = TextPlugin::new("echo").build();
    plugin.extend([8, 2, 1, 5]);
    snapshot!(doctor_on("plugin.wasm", &plugin));
}

#[test]
fn leak_is_diagnosed() {
    let leaky =
        TextPlugin::new("leaky").process(&format!("(drop (memory.grow (i32.const 1))) {ECHO}"));
    snapshot!(doctor(
        &Scene::new().plugin("leaky.wasm", &leaky),
        "leaky.wasm"
    ));
}

#[test]
fn trap_is_diagnosed() {
    let fragile = TextPlugin::new("fragile").process(&format!(
        "(if (i32.eqz (local.get $length)) (then unreachable)) {ECHO}"
    ));
    snapshot!(doctor(
        &Scene::new().plugin("fragile.wasm", &fragile),
        "fragile.wasm"
    ));
}

/// Debug information, names, and the checks of a debug build.
#[test]
fn removable_parts_are_diagnosed() {
    let debug = format!(
        r#"(component (core module
            (memory 1) (data (i32.const 0) "attempt to add with overflow")
            (func ${})
            (@custom ".debug_info" "{}")))"#,
        "a_long_name".repeat(500),
        "debug".repeat(2000)
    );
    snapshot!(doctor_on_text("large.wasm", &debug));
}

#[test]
fn core_modules_are_diagnosed() {
    let process = "(func (export \"myapp:text-processor/plugin#process\"))";
    let embedded = "(@custom \"component-type:text-plugin\" \"types\")";
    let preview1 = "(import \"wasi_snapshot_preview1\" \"fd_write\" (func))";
    for text in [
        format!("(module {process} {embedded})"),
        format!("(module {preview1} {process} {embedded})"),
        format!("(module {process})"),
        format!("(module {preview1} (func (export \"_start\")))"),
    ] {
        snapshot!(doctor_on_text("plugin.wasm", &text));
    }
}
