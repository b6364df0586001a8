//! Hostile guests and the parts that they are built from.

pub(crate) mod binary;
pub(crate) mod debug_info;
pub(crate) mod files;
mod parts;
pub(crate) mod sockets;

pub(crate) use self::parts::{
    EMPTY, FOREVER, INPUT, attacker, bad_allocator, counter, late_attacker, log_text, named,
    number, repeated, result, result_of_text, result_with_entries, room, text_at,
};
