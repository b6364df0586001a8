//! The rows of the table, in folders by the target of the attack.

mod calls;
mod components;
pub(crate) mod data;
pub(crate) mod files;
mod grants;
mod process;
mod streams;
mod text;
mod wasi;

use crate::suite::Case;

/// Runs the part of a row that needs its own process, if a row started this process,
/// and returns the exit code.
pub(crate) fn run_as_child() -> Option<i32> {
    process::run_as_child().or_else(wasi::run_as_child)
}

pub(crate) fn cases() -> Vec<Case> {
    let all = [
        calls::cases(),
        streams::cases(),
        components::cases(),
        text::cases(),
        wasi::cases(),
        grants::cases(),
        files::cases(),
        process::cases(),
        data::cases(),
    ];
    all.into_iter().flatten().collect()
}
