//! Runs the three example plugins on a short text, then on a real one.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::place::Place;
use crate::step::{line, run as run_program, step};
use crate::{fixtures, setup};

/// Number of lines of the long output that are shown.
const SHOWN_LINES: usize = 12;

pub(crate) fn run(place: &Place) -> Result<()> {
    setup::run(place, fixtures::PLUGIN_TOOLCHAINS, |_| true)?;
    step("guests", || fixtures::plugins(place))?;
    if !Path::new(&program(place)).exists() {
        eprintln!("xtask: compiling wasmtime takes some minutes, only once");
    }
    step("program", || {
        run_program(
            place
                .cargo()
                .args(["build", "--package", "kumiki-cli", "--bin", "kumiki"]),
        )
    })?;

    let show = |command: &mut Command| {
        eprintln!("\n$ {}", line(command).replace(&*program(place), "kumiki"));
        run_program(command)
    };
    show(kumiki(place).args(["-v", "--text", "Hello, Component Model!"]))?;

    let text = "guests/text/reader.txt";
    let results = place.target.join("demo.txt");
    let output =
        File::create(&results).with_context(|| format!("cannot write {}", results.display()))?;
    let start = Instant::now();
    show(kumiki(place).arg(text).stdout(output))?;
    let seconds = start.elapsed().as_secs_f32();

    let lines: Vec<String> = BufReader::new(File::open(&results)?)
        .lines()
        .collect::<Result<_, _>>()?;
    for line in japanese_record(&lines, text).iter().take(SHOWN_LINES) {
        eprintln!("{line}");
    }
    eprintln!(
        "xtask: {text} went through three plugins in {seconds:.1} s: {} lines in {}",
        lines.len(),
        place.show(&results)
    );
    Ok(())
}

/// Returns the results from the first Japanese record on, as an interesting excerpt.
fn japanese_record<'a>(lines: &'a [String], text: &str) -> &'a [String] {
    let inside = lines.iter().position(|line| line.contains("人権"));
    let (before, _) = lines.split_at(inside.unwrap_or(0));
    let start = before.iter().rposition(|line| line.starts_with(text));
    &lines[start.unwrap_or(0)..]
}

fn kumiki(place: &Place) -> Command {
    let mut command = Command::new(&*program(place));
    command.current_dir(&place.root);
    let plugins = place.plugins();
    command
        .env("KUMIKI_CACHE", place.artifacts())
        .args(["run", "-p"])
        .arg(plugins.strip_prefix(&place.root).unwrap_or(&plugins));
    command
}

/// Returns the path of the program.
fn program(place: &Place) -> String {
    let name = format!("kumiki{}", std::env::consts::EXE_SUFFIX);
    place.target.join("debug").join(name).display().to_string()
}
