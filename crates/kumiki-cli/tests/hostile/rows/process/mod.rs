//! Rows: attacks on the process of the program: its memory, its compile process, its
//! sandbox.

mod budget;
#[cfg(unix)]
mod compile_child;
#[cfg(target_os = "linux")]
mod sandbox;

use crate::suite::Case;

/// Runs a probe of the sandbox if a row started this process for it, and returns the
/// exit code.
pub(crate) fn run_as_child() -> Option<i32> {
    #[cfg(target_os = "linux")]
    return sandbox::run_as_child();
    #[cfg(not(target_os = "linux"))]
    None
}

pub(crate) fn cases() -> Vec<Case> {
    let all = [
        budget::cases(),
        #[cfg(unix)]
        compile_child::cases(),
        #[cfg(target_os = "linux")]
        sandbox::cases(),
    ];
    all.into_iter().flatten().collect()
}
