//! Text that a guest or a person has chosen, on its way to a reader.

mod bounded;
mod visible;

pub use bounded::excerpt;
pub(crate) use bounded::{BACKTRACE, Lines, TYPE, message, name, source};
pub use visible::{is_invisible, spell_out};
