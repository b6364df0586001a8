//! Runs the rows: a row and its expected outcome, the neighbour plugin, and the table
//! of results.

pub(crate) mod attack;
mod case;
pub(crate) mod granted;
pub(crate) mod memory;
pub(crate) mod neighbour;
mod outcome;
mod report;

pub(crate) use self::attack::SHORT;
pub(crate) use self::case::Case;
pub(crate) use self::neighbour::Neighbour;
pub(crate) use self::outcome::{Outcome, Seen};
pub(crate) use self::report::Report;

/// The message of an error.
pub(crate) fn to_text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
