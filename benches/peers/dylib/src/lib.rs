//! A plugin that is trusted with everything: a shared library, called without
//! anything between.

use turns::{Answer, Work};

/// Host and plugin are built by one compiler from one workspace, so that Rust's
/// own types may cross.
#[unsafe(no_mangle)]
pub fn process(work: Work, text: &str, log: &mut dyn FnMut(&str)) -> Answer {
    work.answer(text, log)
}
