//! What runs the rows: a row and its expected outcome, the plugin beside it,
//! and the table.

mod case;
pub(crate) mod granted;
pub(crate) mod memory;
pub(crate) mod neighbour;
mod outcome;
mod report;

pub(crate) use self::case::{Attacker, Case, SHORT, attack};
pub(crate) use self::neighbour::Neighbour;
pub(crate) use self::outcome::{Outcome, Seen};
pub(crate) use self::report::Report;
