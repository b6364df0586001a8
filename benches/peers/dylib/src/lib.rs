//! A fully trusted plugin: a shared library that is called directly.

use turns::{Answer, Work};

/// Host and plugin are built by the same compiler from the same workspace, so they can
/// exchange Rust types.
#[unsafe(no_mangle)]
pub fn process(work: Work, text: &str, log: &mut dyn FnMut(&str)) -> Answer {
    work.answer(text, log)
}
