//! The hostile suite: attacks by plugins on the real host and the real program.
//! Each row is one attack and its expected outcome. See `docs/security.md`.
//!
//! A well-behaved plugin runs beside each row and must not fail. The memory and
//! the time of a row are limited. After an attack in a call, the attacked plugin must
//! answer the next call. `cargo xtask test hostile` prints the table;
//! `cargo xtask soak` repeats some of the attacks for minutes.

mod guests;
mod program;
mod rows;
mod soak;
mod suite;

use std::sync::Arc;

use libtest_mimic::Arguments;

use crate::suite::{Neighbour, Report};

fn main() {
    if let Some(code) = rows::run_as_child() {
        std::process::exit(code);
    }
    if let Some(time) = soak::requested_time() {
        std::process::exit(soak::run(time));
    }
    let mut arguments = Arguments::from_args();
    // One at a time: memory is measured for the whole process.
    arguments.test_threads = Some(1);
    let report = Arc::new(Report::default());
    let neighbour = Arc::new(Neighbour::start());
    let trials = rows::cases()
        .into_iter()
        .map(|case| case.into_trial(&neighbour, &report))
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    report.print();
    conclusion.exit();
}
