//! Rows: components that are hard or dangerous to load.

mod expansion;
mod proposals;
mod size;

use crate::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    let all = [size::cases(), expansion::cases(), proposals::cases()];
    all.into_iter().flatten().collect()
}
