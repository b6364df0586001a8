//! Runs all checks that a change must pass.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};
use kumiki_build::Toolchain;

use crate::place::Place;
use crate::step::{run as run_program, step};
use crate::{fixtures, setup};

/// Runs all steps, or only the tests whose name contains `filter` (a single filter,
/// because libtest-mimic takes no more). Later steps run even if one fails.
pub(crate) fn run(place: &Place, filter: Option<&str>) -> Result<()> {
    let start = Instant::now();
    let mut steps = Steps::default();
    steps.run("setup", "cargo xtask setup", || {
        setup::run(place, &Toolchain::ALL, |toolchain| {
            place.is_required(toolchain)
        })
    });
    steps.run("guests", "cargo xtask fixtures", || fixtures::all(place));
    if filter.is_none() {
        lints(place, &mut steps);
    }
    steps.run(
        "tests",
        "run some of them with cargo xtask test FILTER",
        || {
            let mut test = tests(place, "test --workspace --no-fail-fast");
            run_program(test.arg("--").args(filter))
        },
    );
    if filter.is_none() {
        let hint = "run cargo xtask test matrix";
        steps.run("language matrix without shared runtimes", hint, || {
            let mut test = tests(place, "test --workspace --test matrix");
            run_program(test.env("KUMIKI_SHARED_RUNTIMES", "off"))
        });
        features(place, &mut steps);
    }

    let Steps { passed, failed } = steps;
    let seconds = start.elapsed().as_secs();
    eprintln!("steps: {passed} passed, {} failed", failed.len());
    if let Some((_, hint)) = failed.first() {
        let names: Vec<_> = failed.iter().map(|(name, _)| *name).collect();
        bail!(
            "failed after {seconds} s: {}; hint: {hint}",
            names.join(", ")
        );
    }
    eprintln!("xtask: all checks passed ({seconds} s)");
    Ok(())
}

/// A cargo command whose tests find the guests and tools.
fn tests(place: &Place, words: &str) -> Command {
    let mut test = cargo(place, words);
    test.env("KUMIKI_PLUGINS", place.plugins())
        .env("KUMIKI_FIXTURES", place.fixtures())
        // Cached because some guests take many seconds to compile.
        .env("KUMIKI_CACHE", place.artifacts())
        // Used by `kumiki build` in the tests of templates.
        .env("KUMIKI_TOOLS", place.target.join("tools"));
    test
}

fn lints(place: &Place, steps: &mut Steps) {
    // The guests are linted for this machine, not for WebAssembly: clippy cannot be
    // used with a compiler that builds std itself.
    let guests = |command| {
        let mut cargo = cargo(place, command);
        cargo
            .current_dir(place.guests())
            .env("CARGO_TARGET_DIR", place.target.join("guests/lint"));
        cargo
    };
    const CLIPPY: &str = "clippy --workspace --all-targets -- -D warnings";
    steps.run("format", "cargo fmt --all", || {
        run_program(&mut cargo(place, "fmt --all --check"))
    });
    steps.run("guests' format", "cargo fmt --all, in guests/", || {
        run_program(&mut guests("fmt --all --check"))
    });
    steps.run("clippy", "fix the clippy errors above", || {
        run_program(&mut cargo(place, CLIPPY))
    });
    steps.run("guests' clippy", "fix the clippy errors above", || {
        run_program(&mut guests(CLIPPY))
    });
}

/// Tests the libraries without their optional features. The whole workspace has both.
fn features(place: &Place, steps: &mut Steps) {
    for (name, features) in [
        ("tests without features", ""),
        (
            "tests with the feature cache",
            "kumiki/cache,kumiki-text/cache",
        ),
        (
            "tests with the feature http",
            "kumiki/http,kumiki-text/http",
        ),
    ] {
        steps.run(name, "use cfg(feature) for what an option needs", || {
            let mut test = cargo(place, "test -p kumiki -p kumiki-text --lib --tests");
            test.args(["--no-fail-fast", "--no-default-features"])
                .args(["--features", features])
                .env("KUMIKI_FIXTURES", place.fixtures())
                // The crates of this repository are compiled for this alone.
                .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0");
            run_program(&mut test)
        });
    }
}

fn cargo(place: &Place, words: &str) -> Command {
    let mut command = place.cargo();
    command.args(words.split(' '));
    command
}

#[derive(Default)]
struct Steps {
    passed: usize,
    /// Names and hints of the failed steps.
    failed: Vec<(&'static str, &'static str)>,
}

impl Steps {
    fn run(&mut self, name: &'static str, hint: &'static str, work: impl FnOnce() -> Result<()>) {
        match step(name, work) {
            Ok(()) => self.passed += 1,
            Err(error) => {
                eprintln!("xtask: {error:#}");
                self.failed.push((name, hint));
            }
        }
    }
}
