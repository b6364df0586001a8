//! Files as they are stored: opened without following links, and decompressed.

pub(crate) mod folder;
pub(crate) mod packing;
pub(crate) mod part_path;
pub(crate) mod source;
