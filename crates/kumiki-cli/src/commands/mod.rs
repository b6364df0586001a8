//! The commands, one per module.

pub(crate) mod build;
pub(crate) mod cache;
pub(crate) mod call;
pub(crate) mod check;
pub(crate) mod dev;
pub(crate) mod doctor;
mod file;
pub(crate) mod inspect;
pub(crate) mod new;
mod project;
mod reach;
pub(crate) mod run;
pub(crate) mod thin;
pub(crate) mod watch;
