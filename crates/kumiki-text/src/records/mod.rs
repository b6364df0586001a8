//! Many records in calls: lists of records, buffers, and calls at the same time; and the
//! answers to them.

pub(crate) mod answers;
pub(crate) mod batch;
pub(crate) mod column;
pub(crate) mod concurrent;
mod invalid_answer;
pub(crate) mod parts;
mod rows;
pub(crate) mod texts;
