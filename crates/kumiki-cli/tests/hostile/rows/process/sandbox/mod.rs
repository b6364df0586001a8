//! Rows: the sandbox of the program, as if a plugin had broken out of WebAssembly.
//! Some rows run this test again as a process that restricts itself and then makes
//! attempts. The others run the real program.

mod probe;

use std::net::TcpListener;
use std::process::{Command, Stdio};

use kumiki::Sandbox;
use test_components::TextPlugin;

use crate::program::{SECRET, Scene, make_pipe, run, start};
use crate::suite::{Case, to_text};

pub(crate) use probe::run_as_child;

pub(crate) fn cases() -> Vec<Case> {
    if !Sandbox::supported().is_active() {
        return Vec::new();
    }
    let probes = [
        ("sandbox: files outside, on all threads", "files"),
        ("sandbox: programs executed", "programs"),
        ("sandbox: links that lead outside", "links"),
        ("sandbox: TCP ports that were not granted", "ports"),
        ("sandbox: abstract sockets and signals", "scopes"),
        ("sandbox: the threads of host functions", "host-functions"),
    ];
    let probes = probes.map(|(name, probe)| row(name, move || probed(probe)));
    let guests = row("sandbox: the threads of a guest's files", || {
        probed("guest-files, unrestricted")?;
        probed("guest-files")
    });
    let program = [
        row("sandbox: kumiki run restricts all threads", all_threads),
        row("sandbox: an input replaced during the run", replaced_input),
        row("sandbox: files, pipes, standard input", reads_all),
    ];
    probes.into_iter().chain([guests]).chain(program).collect()
}

fn row(name: &'static str, check: impl FnOnce() -> Result<(), String> + Send + 'static) -> Case {
    Case::check(name, check).timeout(60)
}

/// Runs this test as a process that makes the attempts of a probe. The process fails
/// if one is not refused, or was already refused before the restriction.
fn probed(probe: &str) -> Result<(), String> {
    let scene = Scene::new()?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(to_text)?;
    let port = listener.local_addr().map_err(to_text)?.port();
    let program = std::env::current_exe().map_err(to_text)?;
    let output = run(Command::new(program)
        .env(probe::WHAT, probe)
        .env(probe::WHERE, scene.root())
        .env(probe::PORT, port.to_string()))?;
    match output.code {
        Some(0) if output.stdout.text.contains("all attempts refused") => Ok(()),
        _ => Err(format!("{output:?}")),
    }
}

fn with_echo() -> Result<Scene, String> {
    let scene = Scene::new()?;
    scene.file("work/echo.wasm", TextPlugin::new("echo").build())?;
    Ok(scene)
}

/// The program restricts itself and reports that with `-vv`.
fn all_threads() -> Result<(), String> {
    let scene = with_echo()?;
    let run = |more: &str| scene.run(&format!("run -p echo.wasm -o raw --text x {more}"));
    run("-vv")?.expect(0, &["; all threads"])?;
    for silent in [run("-v")?, run("-vv --no-sandbox")?] {
        silent.expect(0, &[])?;
        if silent.stderr.text.contains("sandbox") {
            return Err(format!("{silent:?}"));
        }
    }
    Ok(())
}

/// While the program waits for its first input, the second input is replaced by a link
/// to the outside. Without the sandbox the program follows it.
fn replaced_input() -> Result<(), String> {
    for (flags, leaks) in [(" --no-sandbox", true), ("", false)] {
        let scene = with_echo()?;
        let pipe = scene.path("work/pipe");
        make_pipe(&pipe)?;
        scene.file("work/second", "the second input\n")?;
        let mut command = scene.command(&format!("run -p echo.wasm -o raw pipe second{flags}"));
        let process = start(&mut command, Stdio::null())?;
        // Blocks until the program has opened the pipe.
        let held = std::fs::File::options().write(true).open(&pipe);
        std::fs::remove_file(scene.path("work/second")).map_err(to_text)?;
        scene.link("../outside/secret", "work/second")?;
        drop(held.map_err(to_text)?);
        let output = process.wait()?;
        if output.stdout.text.contains(SECRET.trim()) != leaks {
            return Err(format!("with `{flags}`: {output:?}"));
        }
    }
    Ok(())
}

/// Inputs of any kind can be read.
fn reads_all() -> Result<(), String> {
    let scene = with_echo()?;
    scene.file("work/input", "one\ntwo\n")?;
    for input in ["input", "/dev/stdin", "-"] {
        let output = run(&mut scene.shell(&format!(
            "printf 'one\\ntwo\\n' | \"$0\" run -p echo.wasm -o raw {input}"
        )))?;
        if output.code != Some(0) || output.stdout.text != "one\ntwo\n" {
            return Err(format!("{input}: {output:?}"));
        }
    }
    Ok(())
}
