//! The project's own commands: `cargo xtask setup | fixtures | demo | test | bench |
//! soak`.
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
mod soak;
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
    /// Set up, build all guests and the peers, and measure Kumiki beside what could
    /// be picked instead, as one table (the first time compiles wasmtime twice, for
    /// release and for Extism: half an hour)
    Bench {
        /// What to measure; everything that is in the table unless given
        #[arg(value_name = "WHAT")]
        wanted: Vec<bench::Benchmark>,
        #[command(flatten)]
        how: bench::How,
    },
    /// Set up, build all guests, check formatting and lints, run all tests
    ///
    /// KUMIKI_REQUIRE=rust,c,js,python,go,starlingmonkey names the toolchains that
    /// must not be missing.
    Test {
        /// Run only tests whose name contains this, and no lints
        filter: Option<String>,
    },
    /// Set up, build all guests, and have good plugins and hostile ones run side
    /// by side: every answer is checked, and memory must stay flat
    Soak {
        /// For how long
        #[arg(long, default_value_t = 10.0, value_parser = minutes)]
        minutes: f64,
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
        Xtask::Bench { wanted, how } => bench::run(&place, &wanted, how),
        Xtask::Test { filter } => test::run(&place, filter.as_deref()),
        Xtask::Soak { minutes } => soak::run(&place, minutes),
    }
}

/// A week is time enough.
fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (0.1..=10_080.0).contains(&minutes) => Ok(minutes),
        _ => Err("not a number of minutes from 0.1 to 10080".to_owned()),
    }
}
