//! Rows: plugins with streams and asynchronous calls.

mod builtins;
mod cancelling;
mod concurrent;
mod generated;
mod handles;
#[cfg(target_os = "linux")]
mod program;
mod reading;
mod stage;
mod tasks;
mod writing;

use crate::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    let all = [
        reading::cases(),
        writing::cases(),
        cancelling::cases(),
        handles::cases(),
        tasks::cases(),
        builtins::cases(),
        concurrent::cases(),
        generated::cases(),
        #[cfg(target_os = "linux")]
        program::cases(),
    ];
    all.into_iter().flatten().collect()
}
