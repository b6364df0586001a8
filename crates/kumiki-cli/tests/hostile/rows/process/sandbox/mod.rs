//! What a process may still do behind the second wall, as if a plugin had
//! broken out of WebAssembly: this test, run once more as a process that
//! restricts itself and then tries; and the real program.

mod probe;

use std::net::TcpListener;
use std::process::Command;

use kumiki::Sandbox;
use test_components::TextPlugin;

use crate::program::child_process::{Place, SECRET, run, text};
use crate::suite::Outcome::Answer;
use crate::suite::{Case, Seen};

pub(crate) use probe::asked_for;

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
        row("sandbox: an input swapped in the run", swapped_input),
        row("sandbox: files, pipes, standard input", reads_all),
    ];
    probes.into_iter().chain([guests]).chain(program).collect()
}

fn row(name: &'static str, act: impl FnOnce() -> Result<(), String> + Send + 'static) -> Case {
    Case::new(name, Answer, "", || act().map(|()| Seen::answer())).patience(60)
}

/// This test as a process that tries something, which fails where anything is
/// not refused, or was refused before the restriction already.
fn probed(probe: &str) -> Result<(), String> {
    let place = Place::new()?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(text)?;
    let port = listener.local_addr().map_err(text)?.port();
    let program = std::env::current_exe().map_err(text)?;
    let ended = run(Command::new(program)
        .env(probe::WHAT, probe)
        .env(probe::WHERE, place.root())
        .env(probe::PORT, port.to_string()))?;
    match ended.code {
        Some(0) if ended.stdout.contains("all is as it must be") => Ok(()),
        _ => Err(format!("{ended:?}")),
    }
}

fn with_echo() -> Result<Place, String> {
    let place = Place::new()?;
    place.plugin("inside/echo.wasm", &TextPlugin::new("echo"))?;
    Ok(place)
}

fn all_threads() -> Result<(), String> {
    let place = with_echo()?;
    let run = |more: &[&str]| {
        let arguments = ["run", "-p", "echo.wasm", "-o", "raw", "--text", "x"];
        run(&mut place.kumiki(&[&arguments[..], more].concat()))
    };
    run(&["-vv"])?.expect(0, "; all threads")?;
    for silent in [run(&["-v"])?, run(&["-vv", "--no-sandbox"])?] {
        silent.expect(0, "")?;
        if silent.stderr.contains("sandbox") {
            return Err(format!("{silent:?}"));
        }
    }
    Ok(())
}

/// While the program waits for its first input, somebody leads the second one
/// outside. Without the sandbox it goes there.
fn swapped_input() -> Result<(), String> {
    for (flags, leaks) in [(&["--no-sandbox"][..], true), (&[], false)] {
        let place = with_echo()?;
        let pipe = place.path("inside/pipe");
        let made = Command::new("mkfifo").arg(&pipe).status().map_err(text)?;
        if !made.success() {
            return Err("mkfifo failed".into());
        }
        place.write("inside/second", "what is there\n")?;
        let arguments = ["run", "-p", "echo.wasm", "-o", "raw", "pipe", "second"];
        let running = crate::program::child_process::start(
            &mut place.kumiki(&[&arguments[..], flags].concat()),
        )?;
        // Opened once the program has opened it: it reads already.
        let held = std::fs::File::options().write(true).open(&pipe);
        let second = place.path("inside/second");
        std::fs::remove_file(&second).map_err(text)?;
        std::os::unix::fs::symlink("../outside/secret", &second).map_err(text)?;
        drop(held.map_err(text)?);
        let ended = running.end()?;
        if ended.stdout.contains(SECRET.trim()) != leaks {
            return Err(format!("with {flags:?}: {ended:?}"));
        }
    }
    Ok(())
}

/// What is an input is read, whatever it is.
fn reads_all() -> Result<(), String> {
    let place = with_echo()?;
    place.write("inside/input", "one\ntwo\n")?;
    for input in ["input", "/dev/stdin", "-"] {
        let arguments = ["run", "-p", "echo.wasm", "-o", "raw", input];
        let mut command = Command::new("sh");
        command
            .current_dir(place.path("inside"))
            .env("KUMIKI_CACHE", "off")
            .args(["-c", "printf 'one\\ntwo\\n' | \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_kumiki"))
            .args(arguments);
        let ended = run(&mut command)?;
        if ended.code != Some(0) || ended.stdout != "one\ntwo\n" {
            return Err(format!("{input}: {ended:?}"));
        }
    }
    Ok(())
}
