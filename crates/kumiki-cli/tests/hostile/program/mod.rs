//! The real program as a child process.

pub(crate) mod child_process;
pub(crate) mod process;
pub(crate) mod scene;
