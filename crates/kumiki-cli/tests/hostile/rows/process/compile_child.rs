//! What is hard to compile, and processes that do not compile as they should.

use std::path::Path;
use std::time::{Duration, Instant};

use kumiki::CompileCommand;
use kumiki_text::TextHost;
use test_components::TextPlugin;

use crate::program::child_process::{Place, run, text};
use crate::suite::Outcome::{Answer, Limit, Other};
use crate::suite::{Case, Seen};

/// The program under test, which compiles when it gets this argument.
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
        .patience(60),
        Case::new(
            "compiled in a process: too much time",
            Limit,
            "time of 200ms to compile",
            move || load(&large(), of_kumiki().with_time(Duration::from_millis(200))),
        ),
        Case::new(
            "compiled in a process: that never answers",
            Limit,
            "time of 300ms to compile",
            || load(&small(), shell("sleep 1000")),
        ),
        Case::new(
            "compiled in a process: an answer cut short",
            Other,
            "it ended early",
            || load(&small(), shell("\"$0\" \"$1\" | head -c 2000")),
        ),
        Case::new(
            "compiled in a process: an answer damaged",
            Other,
            "its answer is damaged",
            || {
                let damage = "{ head -c 2000; head -c 1 >/dev/null; printf '\\377'; cat; }";
                load(&small(), shell(&format!("\"$0\" \"$1\" | {damage}")))
            },
        ),
        Case::new(
            "compiled in a process: an answer without end",
            Other,
            "stands behind its answer",
            || load(&small(), shell("{ \"$0\" \"$1\"; cat /dev/zero; }")),
        ),
        Case::new(
            "compiled in a process: that says something else",
            Other,
            "something else than an answer",
            || load(&small(), shell("echo hello")),
        ),
        Case::new(
            "compiled in a process: that fails",
            Other,
            "exit status: 3); it said: out of order",
            || load(&small(), shell("echo out of order >&2; exit 3")),
        ),
        Case::new(
            "compiled in a process: that is not there",
            Other,
            "cannot start `/no/such/program`",
            || {
                load(
                    &small(),
                    CompileCommand::new("/no/such/program").with_code(0),
                )
            },
        ),
        Case::new("compiled in a process: the same code", Answer, "", || {
            same_code().map(|()| Seen::answer())
        })
        .patience(60),
        Case::new("kumiki run: too large to compile", Answer, "", || {
            program().map(|()| Seen::answer())
        })
        .patience(90),
    ]
}

/// This shell command as what compiles; `$0` and `$1` do so as they should.
fn shell(command: &str) -> CompileCommand {
    CompileCommand::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .arg(PROGRAM)
        .arg(COMPILE)
        .with_code(0)
        .with_time(match command {
            "sleep 1000" => Duration::from_millis(300),
            _ => Duration::from_secs(20),
        })
}

fn small() -> Vec<u8> {
    TextPlugin::new("small").build()
}

/// A function of 0.4 MB, which takes a quarter of a gigabyte to compile.
fn large() -> Vec<u8> {
    let add = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(60_000);
    let plugin = TextPlugin::new("large");
    plugin.items(&format!("(func (param i32) {add})")).build()
}

/// What comes of loading it, which must not take longer than it may.
fn load(component: &[u8], command: CompileCommand) -> Result<Seen, String> {
    let host = TextHost::builder().compile_with(command).build();
    let host = host.map_err(text)?;
    let start = Instant::now();
    let loaded = host.load_bytes("hostile.wasm", component);
    if start.elapsed() > Duration::from_secs(15) {
        return Err(format!("it took {:?}", start.elapsed()));
    }
    Ok(match loaded {
        Ok(_) => Seen::answer(),
        Err(error) => kumiki_text::Error::from(error).into(),
    })
}

/// Both ways, what is kept in the cache is the same, byte for byte, and works.
fn same_code() -> Result<(), String> {
    let place = Place::new()?;
    place.plugin("inside/echo.wasm", &TextPlugin::new("echo"))?;
    let artifact = |which: &str| -> Result<Vec<u8>, String> {
        let cache = place.path(&format!("cache-{which}"));
        let flag = format!("--isolate-compile={which}");
        let arguments = ["run", "-p", "echo.wasm", "-o", "raw", "--text", "x", &flag];
        let ended = run(place.kumiki(&arguments).env("KUMIKI_CACHE", &cache))?;
        ended.expect(0, "")?;
        if ended.stdout != "x\n" {
            return Err(format!("{ended:?}"));
        }
        let files = std::fs::read_dir(&cache).map_err(text)?;
        let mut paths = files.flatten().map(|file| file.path());
        let artifact = paths.find(|path| path.extension().is_some_and(|it| it == "artifact"));
        std::fs::read(artifact.ok_or("nothing is kept")?).map_err(text)
    };
    match artifact("all")? == artifact("none")? {
        true => Ok(()),
        false => Err("the artifacts are different".into()),
    }
}

/// The real program: it says which limit it was, and what to do; it stays small
/// itself, and leaves no process behind.
fn program() -> Result<(), String> {
    let place = Place::new()?;
    place.write("inside/large.wasm", large())?;
    let arguments = |command: &'static str, more: [&'static str; 2]| {
        let fixed = match command {
            "run" => &["run", "-p", "large.wasm", "--text", "x"][..],
            "check" => &["check", "large.wasm"],
            _ => &["cache", "warm", "large.wasm"],
        };
        [fixed, &more].concat()
    };
    for command in ["run", "check", "warm"] {
        for (more, says) in [
            (["--compile-memory", "64MiB"], "memory of 64 MiB to compile"),
            (["--compile-time", "200ms"], "time of 200ms to compile"),
        ] {
            let cache = place.path("cache");
            let mut command = place.kumiki(&arguments(command, more));
            let ended = run(command.env("KUMIKI_CACHE", cache))?;
            ended.expect(1, says)?;
            ended.expect(1, more[0])?;
            ended.within(160)?;
        }
    }
    match runs_in(&place.path("inside")) {
        true => Err("a process is left behind".into()),
        false => Ok(()),
    }
}

/// Whether a process has this folder as its own.
fn runs_in(folder: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut folders = processes.filter_map(|it| it.path().join("cwd").read_link().ok());
    folders.any(|its| its == folder)
}
