//! The protocol between the benchmark's driver and its contenders, and what they share:
//! the work, its input, and the expected answer.
//!
//! A contender is a process that lives for the whole run, so that one built by another
//! compiler in another workspace is measured in the same minutes as Kumiki. It reads
//! lines and answers each with one line:
//!
//! | line | answer |
//! | --- | --- |
//! | `row KIND WORK SIZE COUNT` | `ready DIGEST` once it is set up and has done the work once; `absent WHY` |
//! | `turn MILLISECONDS` | `time NANOSECONDS` per item of work, after running for about this time |
//! | `facts` | `facts NAME=NUMBER …`: other measurements of the row, such as memory |
//!
//! The digest is a hash of the answer, so that wrong results are not measured. This
//! crate has no dependencies, because the peers' workspace uses it too.

mod serve;
mod work;

pub use serve::{Row, Set, Turn, Until, make_each, repeat, serve, side_by_side, use_each};
pub use work::{Answer, Digest, Work, input};
