//! Rows: components that are expensive or dangerous to load.

mod expansion;
mod proposals;
mod shapes;
mod size;

use crate::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    let all = [
        size::cases(),
        shapes::cases(),
        expansion::cases(),
        proposals::cases(),
    ];
    all.into_iter().flatten().collect()
}
