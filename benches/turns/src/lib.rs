//! How the benchmark's driver speaks with its contenders, and what both must
//! agree on: the work, its input, and the answer that is right.
//!
//! A contender is a process that lives for the whole run, so that one built by
//! another compiler in another workspace is measured in the same minutes as
//! Kumiki. It reads a line and answers with one:
//!
//! | line | answer |
//! | --- | --- |
//! | `row KIND WORK SIZE COUNT` | `ready DIGEST` once it is set up and has done the work once; `absent WHY` |
//! | `turn MILLISECONDS` | `time NANOSECONDS`, of one item of the work, after running for about so long |
//! | `facts` | `facts NAME=NUMBER …`: what else is known of the row, such as bytes held |
//!
//! The digest is of the answer, so that nobody measures a failure. This crate
//! uses no other: the peers' workspace has it too.

mod serve;
mod work;

pub use serve::{Row, Set, Turn, Until, make_each, repeat, serve, side_by_side, use_each};
pub use work::{Answer, Digest, Work, input};
