//! Rows: the process of the program: its memory, its compile process, its sandbox.

mod budget;
#[cfg(unix)]
mod compile_child;
#[cfg(target_os = "linux")]
mod sandbox;

use crate::suite::Case;

/// The exit code, where this process is a probe of the sandbox.
pub(crate) fn asked_for() -> Option<i32> {
    #[cfg(target_os = "linux")]
    return sandbox::asked_for();
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
