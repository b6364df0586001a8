//! Plain text: one record per line.

pub(crate) mod line;
pub(crate) mod raw_lines;
pub(crate) mod read;
pub(crate) mod records;
pub(crate) mod unparsed;
pub(crate) mod write;
