//! The project's own commands: `cargo xtask setup | fixtures | demo | test | bench`.
//!
//! Each does what the ones before it do, as far as it needs them, and does
//! nothing twice. What they make lies under `target`: `tools`, `plugins` (the
//! three examples) and `fixtures` (all other guests).

#![expect(
    clippy::print_stderr,
    reason = "it is a program, and says what it is doing"
)]

mod bench;
mod debian;
mod demo;
mod fixtures;
mod place;
mod setup;
mod step;
mod test;

use std::process::ExitCode;

use clap::Parser;
use kumiki_build::Toolchain;
use place::Place;

/// The project's own commands
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Xtask {
    /// Get the toolchains that guests are built with (KUMIKI_RUST=rustup|debian
    /// forces one way to Rust)
    Setup,
    /// Build the guests into target/plugins and target/fixtures
    Fixtures,
    /// Set up, build the three example plugins and run them over a real text
    Demo,
    /// Set up, build all guests and measure (the first time compiles wasmtime
    /// for release: some ten minutes)
    Bench {
        /// What to measure
        benchmark: bench::Benchmark,
    },
    /// Set up, build all guests, check formatting and lints, run all tests
    ///
    /// KUMIKI_REQUIRE=rust,c,js,python,go,starlingmonkey names the toolchains that
    /// must not be missing.
    Test {
        /// Run only tests whose name contains one of these, and no lints
        filters: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Xtask::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Xtask) -> anyhow::Result<()> {
    let place = Place::find()?;
    match command {
        Xtask::Setup => setup::run(&place, &Toolchain::ALL, |_| true),
        Xtask::Fixtures => step::step("guests", || fixtures::all(&place)),
        Xtask::Demo => demo::run(&place),
        Xtask::Bench { benchmark } => bench::run(&place, benchmark),
        Xtask::Test { filters } => test::run(&place, &filters),
    }
}
