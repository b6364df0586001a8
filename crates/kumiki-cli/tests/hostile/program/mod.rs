//! Runs the real program or another process: its folder, its command, its output.

mod process;
mod scene;

pub(crate) use self::process::{Output, run, start};
#[cfg(unix)]
pub(crate) use self::scene::{SECRET, make_pipe};
pub(crate) use self::scene::{Scene, link};
