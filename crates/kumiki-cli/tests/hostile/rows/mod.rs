//! The rows of the table, in folders by what is attacked.

mod calls;
mod components;
pub(crate) mod data;
pub(crate) mod files;
mod grants;
mod process;
mod text;
mod wasi;

use crate::suite::Case;

/// The exit code, where this process was started by a row to do one thing.
pub(crate) fn asked_for() -> Option<i32> {
    process::asked_for().or_else(wasi::asked_for)
}

pub(crate) fn cases() -> Vec<Case> {
    let all = [
        calls::cases(),
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
