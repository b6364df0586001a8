//! What a plugin may try against its host, tried on the real host: one row a
//! behaviour, with the outcome that it must have. See `docs/security.md`.
//!
//! Beside each row a well-behaved plugin answers, and must go on answering;
//! the row must end, its memory is bounded, and where its plugin can answer at
//! all its next call must. `cargo xtask test hostile` prints the table;
//! `cargo xtask soak` has some of them attack for minutes on end.

mod case;
mod debug_info;
mod guest;
mod loading;
mod memory;
mod names;
mod neighbour;
mod outcome;
mod panics;
mod peak;
mod program;
mod proposals;
mod report;
mod soak;
mod structure;
mod terminal;
mod time;
mod traps;
mod typed;
mod values;
mod wasi;

use std::sync::Arc;

use libtest_mimic::Arguments;

use crate::case::Case;
use crate::neighbour::Neighbour;
use crate::report::Report;

fn main() {
    if let Some(time) = soak::asked_for() {
        std::process::exit(soak::run(time));
    }
    let mut arguments = Arguments::from_args();
    // One at a time: memory is measured of the whole process.
    arguments.test_threads = Some(1);
    let report = Arc::new(Report::default());
    let neighbour = Arc::new(Neighbour::start());
    let trials = cases()
        .map(|case| case.into_trial(&neighbour, &report))
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    report.print();
    conclusion.exit();
}

/// All that is tried.
fn cases() -> impl Iterator<Item = Case> {
    [
        time::cases(),
        memory::cases(),
        traps::cases(),
        values::cases(),
        typed::cases(),
        wasi::cases(),
        loading::cases(),
        terminal::cases(),
        names::cases(),
        structure::cases(),
        proposals::cases(),
        panics::cases(),
    ]
    .into_iter()
    .flatten()
}
