//! Describes the machine and the versions of the measurement.

use std::fs;
use std::process::Command;

use super::How;
use super::peers::answer;
use super::programs::Programs;
use super::skipped::cell;
use crate::place::Place;

/// Returns the processor, system, versions and commit, as Markdown.
pub(super) fn describe(place: &Place, programs: &Programs, how: How) -> String {
    let first_line = |program: &str, arguments: &[&str]| {
        let line = answer(Command::new(program).args(arguments));
        line.unwrap_or_else(|| "unknown".to_owned())
    };
    let git = |arguments: &[&str]| {
        let line = answer(Command::new("git").current_dir(&place.root).args(arguments));
        line.unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let changed = match git(&["status", "--porcelain"]).is_empty() {
        true => "",
        false => " with uncommitted changes",
    };
    let peer = |name: &str| version(place, "benches/peers/Cargo.lock", name);
    let extism = match &programs.peers.extism {
        Ok(extism) => format!(
            "Extism {} on wasmtime {}, built by {}",
            peer("extism"),
            peer("wasmtime"),
            extism.compiler
        ),
        Err(_) => "Extism skipped".to_owned(),
    };
    let natives = match &programs.peers.natives {
        Ok(_) => format!("mlua {}, rquickjs {}", peer("mlua"), peer("rquickjs")),
        Err(_) => "the others skipped".to_owned(),
    };
    let lines = [
        ("processor", format!("{}, {cores} cores", processor())),
        ("kernel", first_line("uname", &["-sr"])),
        ("libc", first_line("ldd", &["--version"])),
        ("load before", load()),
        (
            "Kumiki",
            format!(
                "commit {}{changed}, wasmtime {}, {}{}",
                git(&["rev-parse", "--short", "HEAD"]),
                version(place, "Cargo.lock", "wasmtime"),
                first_line("rustc", &["--version"]),
                if how.dev { ", not a release build" } else { "" }
            ),
        ),
        ("peers", format!("{natives}; {extism}")),
        (
            "others",
            format!(
                "{}, {}",
                first_line("python3", &["--version"]),
                first_line("node", &["--version"])
            ),
        ),
        (
            "rounds",
            match how.quick {
                true => "9 at most (`--quick`)",
                false => "61 at most",
            }
            .to_owned(),
        ),
    ];
    let lines = lines.map(|(name, value)| format!("| {name} | {} |\n", cell(&value)));
    format!("| measured on | |\n| --- | --- |\n{}", lines.concat())
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = value("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    match (value("cpu family"), value("model\t")) {
        (Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => name,
    }
}

/// Returns the load average of the last minute.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next().unwrap_or_default();
    format!("{first} runnable processes")
}

/// Returns a crate's version from a lock file.
fn version(place: &Place, lock: &str, name: &str) -> String {
    let text = fs::read_to_string(place.root.join(lock)).unwrap_or_default();
    let (_, rest) = text
        .split_once(&format!("name = \"{name}\"\nversion = \""))
        .unwrap_or_default();
    rest.split('"').next().unwrap_or_default().to_owned()
}
