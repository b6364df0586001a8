//! Rows: guests that attack during a call.

mod memory;
mod panics;
mod time;
mod traps;
mod typed;
mod values;

use crate::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    let all = [
        time::cases(),
        memory::cases(),
        traps::cases(),
        values::cases(),
        typed::cases(),
        panics::cases(),
    ];
    all.into_iter().flatten().collect()
}
