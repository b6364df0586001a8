//! The real program, or another process: its folder, how it runs, what came of
//! it.

mod process;
mod scene;

pub(crate) use self::process::{Output, run, start};
#[cfg(target_os = "linux")]
pub(crate) use self::scene::SECRET;
#[cfg(unix)]
pub(crate) use self::scene::make_pipe;
pub(crate) use self::scene::{Scene, link};
