//! What a plugin may try against its host, tried on the real host: one row a
//! behaviour, with the outcome that it must have. See `docs/security.md`.
//!
//! Beside each row a well-behaved plugin answers, and must go on answering;
//! the row must end, its memory is bounded, and where its plugin can answer at
//! all its next call must. `cargo xtask test hostile` prints the table;
//! `cargo xtask soak` has some of them attack for minutes on end.

mod budget;
#[cfg(unix)]
mod build_stamp;
#[cfg(unix)]
mod cache_folder;
mod case;
mod child_process;
#[cfg(unix)]
mod compile_child;
mod debug_info;
#[cfg(target_os = "linux")]
mod file_guest;
mod file_times;
mod files;
mod files_opened;
mod folder_guest;
mod generated;
mod granted;
mod guest;
mod invisible;
mod loading;
mod lookups;
mod memory;
mod names;
mod neighbour;
mod outcome;
mod output;
#[cfg(unix)]
mod own_files;
mod panics;
mod peak;
mod program;
mod proposals;
mod ran;
mod report;
#[cfg(unix)]
mod requests;
#[cfg(target_os = "linux")]
mod sandbox;
mod soak;
mod stems;
mod structure;
mod tables;
mod terminal;
mod time;
mod traps;
mod typed;
mod values;
mod waits;
mod wasi;

use std::sync::Arc;

use libtest_mimic::Arguments;

use crate::case::Case;
use crate::neighbour::Neighbour;
use crate::report::Report;

fn main() {
    #[cfg(target_os = "linux")]
    if let Some(code) = sandbox::asked_for() {
        std::process::exit(code);
    }
    if let Some(time) = soak::asked_for() {
        std::process::exit(soak::run(time));
    }
    if let Some(code) = lookups::asked_for() {
        std::process::exit(code);
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
        files_opened::cases(),
        waits::cases(),
        file_times::cases(),
        lookups::cases(),
        generated::cases(),
        invisible::cases(),
        stems::cases(),
        #[cfg(unix)]
        requests::cases(),
        #[cfg(unix)]
        own_files::cases(),
        #[cfg(unix)]
        cache_folder::cases(),
        #[cfg(unix)]
        build_stamp::cases(),
        budget::cases(),
        #[cfg(unix)]
        compile_child::cases(),
        #[cfg(target_os = "linux")]
        sandbox::cases(),
        output::cases(),
        files::cases(),
        tables::cases(),
    ]
    .into_iter()
    .flatten()
}
