//! Development commands of this repository: `cargo xtask setup | fixtures | demo |
//! test | bench | soak`.
//!
//! Each command runs the earlier ones that it needs and skips what is up to date.
//! Outputs are in `target`: `tools`, `plugins` (the three examples) and `fixtures`
//! (all other guests).

#![expect(clippy::print_stderr, reason = "a program that reports its progress")]

mod bench;
mod debian;
mod demo;
mod engine;
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

/// Development commands of this repository
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Xtask {
    /// Install the toolchains for building guests (KUMIKI_RUST=rustup|debian selects
    /// the source of Rust)
    Setup,
    /// Build the guests into target/plugins and target/fixtures
    Fixtures,
    /// Build the JavaScript engine of `kumiki build` from quickjs/
    Engine {
        /// Compare the result with the files in the repository, and change nothing
        #[arg(long)]
        check: bool,
    },
    /// Set up, build the three example plugins and run them on a real text
    Demo,
    /// Set up, build all guests and the peers, and compare Kumiki with alternatives in
    /// one table (the first run takes half an hour: it compiles wasmtime twice, for
    /// release and for Extism)
    Bench {
        /// Benchmarks to run; by default all that are in the table
        #[arg(value_name = "WHAT")]
        wanted: Vec<bench::Benchmark>,
        #[command(flatten)]
        how: bench::How,
    },
    /// Set up, build all guests, check formatting and lints, run all tests
    ///
    /// KUMIKI_REQUIRE=rust,c,js,python,go,starlingmonkey lists toolchains whose
    /// absence is an error.
    Test {
        /// Run only tests whose name contains this text, without lints
        filter: Option<String>,
    },
    /// Set up, build all guests, and run good and hostile plugins side by side: every
    /// answer is checked, and memory must not grow
    Soak {
        /// Duration in minutes, from 0.1 to 10080
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
        Xtask::Engine { check } => step::step("JavaScript engine", || engine::run(&place, check)),
        Xtask::Demo => demo::run(&place),
        Xtask::Bench { wanted, how } => bench::run(&place, &wanted, how),
        Xtask::Test { filter } => test::run(&place, filter.as_deref()),
        Xtask::Soak { minutes } => soak::run(&place, minutes),
    }
}

/// Parses a number of minutes, at most a week.
fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (0.1..=10_080.0).contains(&minutes) => Ok(minutes),
        _ => Err("not a number of minutes from 0.1 to 10080".to_owned()),
    }
}
