//! Sanitizing of untrusted text for display.

mod bounded;
mod visible;

pub use bounded::excerpt;
pub(crate) use bounded::{BACKTRACE, Lines, TYPE, display, display_whole, message, name, source};
pub use visible::{is_invisible, spell_out};
