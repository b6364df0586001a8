//! JSON lines: an object a line.

pub(crate) mod field;
pub(crate) mod read;
pub(crate) mod write;
