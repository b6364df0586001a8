//! CSV and TSV: rows of fields below a header.

pub(crate) mod header;
pub(crate) mod read;
pub(crate) mod reader;
pub(crate) mod write;
