//! What the commands that build have in common: the project, its tools and its sources.

mod failure;
mod install;
mod read;
mod sources;
mod tools;

pub(super) use failure::{failure, without_dot};
pub(super) use install::{WhenMissing, toolchain};
pub(super) use read::read;
pub(super) use sources::{Change, Sources};
pub(super) use tools::tools;
