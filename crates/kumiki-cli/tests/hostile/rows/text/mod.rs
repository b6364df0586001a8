//! Rows: text of a plugin that users see: names, errors, logs, results.

mod invisible;
mod names;
mod terminal;

use crate::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    let all = [terminal::cases(), names::cases(), invisible::cases()];
    all.into_iter().flatten().collect()
}
