//! JSON lines: one object per line.

pub(crate) mod field;
pub(crate) mod read;
pub(crate) mod write;
