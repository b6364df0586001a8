//! Benchmarks Kumiki against alternatives: one command, one table, and every ratio
//! from adjacent turns of the same run. `docs/decisions/0008-benchmark.md` describes
//! what each contender does and why the comparison is fair.

mod contender;
mod data;
mod files;
mod languages;
mod machine;
mod made;
mod peers;
mod programs;
mod rounds;
mod rows;
mod skipped;
mod table;

use anyhow::{Context as _, Result};
use kumiki_build::Toolchain;

use crate::fixtures;
use crate::place::Place;
use crate::setup;
use crate::step::{run as run_program, step};
use programs::Programs;
use skipped::Skipped;
use table::Table;

/// The benchmarks. All but the last are parts of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Benchmark {
    /// One call, by its work and its size
    Calls,
    /// Many records of 100 bytes per call
    Many,
    /// Instantiate, call and drop
    Fresh,
    /// The first result: without and with the compile cache, and as a whole process
    First,
    /// Load a thousand distinct plugins (a hundred with --quick)
    Load,
    /// Ten thousand live instances
    Live,
    /// The cost of epochs and fuel
    Tax,
    /// A contract of one's own, called synchronously and asynchronously
    Async,
    /// Whole texts in pieces, and plugins that wait
    Streams,
    /// The five languages and their peers
    Guests,
    /// Whole files through `kumiki run`
    Files,
    /// Not in the table: sizes, build times and call modes by language, for
    /// docs/languages.md
    Languages,
}

impl Benchmark {
    /// The parts of the table.
    const TABLE: [Self; 11] = [
        Self::Calls,
        Self::Many,
        Self::Fresh,
        Self::First,
        Self::Load,
        Self::Live,
        Self::Tax,
        Self::Async,
        Self::Streams,
        Self::Guests,
        Self::Files,
    ];

    /// Returns its heading in the table.
    fn title(self) -> &'static str {
        match self {
            Self::Calls => "One call",
            Self::Many => "Many records of 100 bytes",
            Self::Fresh => "Instantiate, call, drop",
            Self::First => "The first result",
            Self::Load => "Load distinct plugins",
            Self::Live => "Live instances",
            Self::Tax => "The cost of epochs and fuel",
            Self::Async => "Asynchronous calls",
            Self::Streams => "Whole texts, and plugins that wait",
            Self::Guests => "The five languages",
            Self::Files => "Whole files",
            Self::Languages => "Languages",
        }
    }
}

/// Options of the benchmarks.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct How {
    /// Fewer rounds, smaller files: at most three minutes
    #[arg(long)]
    pub(crate) quick: bool,
    /// Use the test profile of Kumiki instead of a release build, to try the benchmark
    #[arg(long)]
    pub(crate) dev: bool,
}

pub(crate) fn run(place: &Place, wanted: &[Benchmark], how: How) -> Result<()> {
    setup::run(place, &Toolchain::ALL, |_| true)?;
    step("guests", || fixtures::all(place))?;
    if wanted.contains(&Benchmark::Languages) {
        languages(place)?;
    }
    let is_wanted = |part: &Benchmark| wanted.is_empty() || wanted.contains(part);
    let parts: Vec<_> = Benchmark::TABLE.into_iter().filter(is_wanted).collect();
    match parts.is_empty() {
        true => Ok(()),
        false => compare(place, &parts, how),
    }
}

/// Writes the table to standard output and to `target/bench`.
fn compare(place: &Place, parts: &[Benchmark], how: How) -> Result<()> {
    let mut skipped = Skipped::default();
    let programs = Programs::build(place, how, &mut skipped)?;
    let mut table = Table::new(machine::describe(place, &programs, how), skipped);
    for part in parts {
        table.part(part.title());
        for row in rows::of(*part, how) {
            eprintln!("xtask: {} …", row.title);
            let measured = rounds::measure(&row, &programs, how);
            table.row(&row, &measured);
        }
        match part {
            Benchmark::First => files::processes(place, &programs, how, &mut table),
            Benchmark::Files => files::files(place, &programs, how, &mut table)?,
            _ => {}
        }
    }
    let text = table.finish();
    let path = programs.folder.join("table.md");
    std::fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    crate::step::show(&text);
    eprintln!("xtask: the table is in {}", place.show(&path));
    Ok(())
}

/// Runs the benchmarks of languages, which are separate programs.
fn languages(place: &Place) -> Result<()> {
    let times = step("time the builds", || languages::build_times(place))?;
    let mut cargo = place.cargo();
    cargo
        .env("KUMIKI_PLUGINS", place.plugins())
        .env("KUMIKI_FIXTURES", place.fixtures())
        .env("KUMIKI_CACHE", place.artifacts())
        .env("KUMIKI_BUILD_TIMES", times)
        .args(["bench", "--workspace"])
        .args(["--bench", "languages", "--bench", "call_modes"]);
    run_program(&mut cargo)
}
