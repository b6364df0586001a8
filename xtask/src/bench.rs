//! Runs the benchmarks, with all that they need.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;
use kumiki_build::{Job, Options, Toolchain};

use crate::fixtures;
use crate::place::Place;
use crate::setup::{self, with_hint};
use crate::step::{run as run_program, step};

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Benchmark {
    /// The first result of a plugin that was compiled before
    Artifacts,
    /// What an instance costs beside wasmtime's pool by hand, and ten thousand
    Instances,
    /// The languages side by side, as a table for docs/languages.md
    Languages,
    /// What all limits together cost beside none
    Limits,
    /// What a call costs beside wasmtime by hand
    Overhead,
}

pub(crate) fn run(place: &Place, benchmark: Benchmark) -> Result<()> {
    setup::run(place, &Toolchain::ALL, |_| true)?;
    step("guests", || fixtures::all(place))?;
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&place.root)
        .env("KUMIKI_PLUGINS", place.plugins())
        .env("KUMIKI_FIXTURES", place.fixtures())
        .env("KUMIKI_CACHE", place.artifacts());
    cargo.args(["bench", "--workspace", "--bench"]);
    match benchmark {
        Benchmark::Artifacts => {
            cargo.arg("artifacts");
        }
        Benchmark::Instances => {
            cargo.arg("instances");
        }
        Benchmark::Languages => {
            let times = step("time the builds", || build_times(place))?;
            cargo.arg("languages").env("KUMIKI_BUILD_TIMES", times);
        }
        Benchmark::Limits => {
            cargo.arg("limits");
        }
        Benchmark::Overhead => {
            cargo.args(["overhead", "--", "none"]);
        }
    }
    run_program(&mut cargo)
}

/// How long each guest takes to build when only its own source is new: a line
/// each, with the seconds. Dependencies and what a toolchain keeps for itself,
/// such as Zig's libc, are built before.
fn build_times(place: &Place) -> Result<String> {
    let work = place.target.join("tmp/build-times");
    let options = Options::new(&work);
    let mut lines = String::new();
    for Job { project, .. } in fixtures::jobs(place)? {
        let name = &project.name;
        let output = work.join(format!("{name}.wasm"));
        let mut seconds = 0.0;
        for turn in 0..2 {
            touch(&project.folder)?;
            let _ = std::fs::remove_dir_all(work.join(name));
            let start = Instant::now();
            kumiki_build::build(&project, &output, &place.tools, &options).map_err(with_hint)?;
            if turn == 1 {
                seconds = start.elapsed().as_secs_f64();
            }
        }
        lines += &format!("{name} {seconds:.1} s\n");
    }
    Ok(lines)
}

/// Makes cargo take a package for changed.
fn touch(folder: &std::path::Path) -> Result<()> {
    let source = folder.join("src/lib.rs");
    if source.exists() {
        let file = std::fs::File::options().append(true).open(source)?;
        file.set_modified(std::time::SystemTime::now())?;
    }
    Ok(())
}
