//! Rows: components that are expensive to compile, and compile processes that
//! misbehave.

use std::path::Path;
use std::time::{Duration, Instant};

use kumiki::CompileCommand;
use kumiki_text::TextHost;
use test_components::TextPlugin;

use crate::program::{Scene, run};
use crate::suite::Outcome::{Limit, Other};
use crate::suite::{Case, Seen, to_text};

/// The program under test, and the argument with which it compiles for its parent.
const PROGRAM: &str = env!("CARGO_BIN_EXE_kumiki");
const COMPILE: &str = "compile-for-parent";

pub(crate) fn cases() -> Vec<Case> {
    let of_kumiki = || CompileCommand::new(PROGRAM).arg(COMPILE);
    vec![
        Case::new(
            "compiled in a process: too much memory",
            Limit,
            "memory of 64 MiB to compile",
            move || load(&large(), of_kumiki().with_memory(64 << 20)),
        )
        .timeout(60),
        Case::new(
            "compiled in a process: too much time",
            Limit,
            "time of 200ms to compile",
            move || load(&large(), of_kumiki().with_time(Duration::from_millis(200))),
        ),
        Case::new(
            "compiled in a process: no answer",
            Limit,
            "time of 300ms to compile",
            || load(&small(), shell("sleep 1000")),
        ),
        Case::new(
            "compiled in a process: a truncated answer",
            Other,
            "it ended early",
            || load(&small(), shell("\"$0\" \"$1\" | head -c 2000")),
        ),
        Case::new(
            "compiled in a process: a damaged answer",
            Other,
            "its answer is damaged",
            || {
                let damage = "{ head -c 2000; head -c 1 >/dev/null; printf '\\377'; cat; }";
                load(&small(), shell(&format!("\"$0\" \"$1\" | {damage}")))
            },
        ),
        Case::new(
            "compiled in a process: an endless answer",
            Other,
            "it wrote more data after its answer",
            || load(&small(), shell("{ \"$0\" \"$1\"; cat /dev/zero; }")),
        ),
        Case::new(
            "compiled in a process: another answer",
            Other,
            "its output is not an answer",
            || load(&small(), shell("echo hello")),
        ),
        Case::new(
            "compiled in a process: a failing program",
            Other,
            "exit status: 3); standard error: out of order",
            || load(&small(), shell("echo out of order >&2; exit 3")),
        ),
        Case::new(
            "compiled in a process: a missing program",
            Other,
            "cannot start `/no/such/program`",
            || load(&small(), CompileCommand::new("/no/such/program")),
        ),
        Case::in_scene("compiled in a process: the same machine code", same_code).timeout(60),
        Case::in_scene("kumiki run: too large to compile", too_large).timeout(60),
        Case::in_scene("kumiki run: small, and expensive to compile", too_hard).timeout(60),
    ]
}

/// A shell command as the compile process. `"$0" "$1"` compiles correctly.
fn shell(command: &str) -> CompileCommand {
    CompileCommand::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .arg(PROGRAM)
        .arg(COMPILE)
        .with_time(match command {
            "sleep 1000" => Duration::from_millis(300),
            _ => Duration::from_secs(20),
        })
}

fn small() -> Vec<u8> {
    TextPlugin::new("small").build()
}

/// A function of 0.4 MB. Compiling it takes a quarter of a gigabyte.
fn large() -> Vec<u8> {
    let add = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(60_000);
    let plugin = TextPlugin::new("large");
    plugin.items(&format!("(func (param i32) {add})")).build()
}

/// Loads a component. Fails if that takes over 15 s.
fn load(component: &[u8], command: CompileCommand) -> Result<Seen, String> {
    let host = TextHost::builder().compile_with(command).build();
    let host = host.map_err(to_text)?;
    let start = Instant::now();
    let loaded = host.load_bytes("hostile.wasm", component);
    if start.elapsed() > Duration::from_secs(15) {
        return Err(format!("it took {:?}", start.elapsed()));
    }
    Ok(Seen::of_load(loaded))
}

/// The artifact in the cache must be the same with and without a compile process.
fn same_code(scene: &Scene) -> Result<(), String> {
    scene.file("work/echo.wasm", TextPlugin::new("echo").build())?;
    let output = run(scene
        .command("run -p echo.wasm -o raw --text x")
        .env("KUMIKI_CACHE", scene.path("cache-process")))?;
    output.expect(0, &[])?;
    if output.stdout.text != "x\n" {
        return Err(format!("{output:?}"));
    }
    let cache = kumiki::Cache::open(scene.path("cache-here")).map_err(to_text)?;
    let host = TextHost::builder().cache(cache).build().map_err(to_text)?;
    let plugin = host.load(scene.path("work/echo.wasm"));
    plugin.map_err(to_text)?;
    let artifact = |folder: &str| -> Result<Vec<u8>, String> {
        let files = std::fs::read_dir(scene.path(folder)).map_err(to_text)?;
        let mut paths = files.flatten().map(|file| file.path());
        let artifact = paths.find(|path| path.extension().is_some_and(|it| it == "artifact"));
        std::fs::read(artifact.ok_or("no artifact is stored")?).map_err(to_text)
    };
    match artifact("cache-process")? == artifact("cache-here")? {
        true => Ok(()),
        false => Err("the artifacts are different".into()),
    }
}

/// The program must name the limit and the option that raises it, use little memory
/// itself, and leave no process behind.
fn too_large(scene: &Scene) -> Result<(), String> {
    refused(scene, &large())
}

/// A component of 8 KB that is expensive to compile must be refused.
fn too_hard(scene: &Scene) -> Result<(), String> {
    let results = " i32".repeat(128);
    let (begin, end) = ("block (type $wide) ".repeat(1_900), "end ".repeat(1_900));
    let (values, drops) = ("i32.const 0 ".repeat(128), "drop ".repeat(128));
    let items =
        format!("(type $wide (func (result{results}))) (func {begin} {values} {end} {drops})");
    refused(scene, &TextPlugin::new("small").items(&items).build())
}

fn refused(scene: &Scene, component: &[u8]) -> Result<(), String> {
    scene.file("work/large.wasm", component)?;
    for command in [
        "run -p large.wasm --text x",
        "check large.wasm",
        "cache warm large.wasm",
    ] {
        for (option, value, message) in [
            ("--compile-memory", "64MiB", "memory of 64 MiB to compile"),
            ("--compile-time", "200ms", "time of 200ms to compile"),
        ] {
            let mut command = scene.command(&format!("{command} {option} {value}"));
            let output = run(command.env("KUMIKI_CACHE", scene.path("cache")))?;
            output.expect(1, &[message, option])?;
            output.within(160)?;
        }
    }
    match runs_in(&scene.path("work")) {
        true => Err("a process is left behind".into()),
        false => Ok(()),
    }
}

/// Whether this folder is the current folder of a process.
fn runs_in(folder: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut folders = processes.filter_map(|it| it.path().join("cwd").read_link().ok());
    folders.any(|its| its == folder)
}
