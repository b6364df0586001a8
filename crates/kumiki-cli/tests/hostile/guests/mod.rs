//! Hostile guests, and the parts that they are built from.

pub(crate) mod debug_info;
#[cfg(target_os = "linux")]
pub(crate) mod file_guest;
pub(crate) mod folder_guest;
mod parts;

pub(crate) use self::parts::{
    FOR_EVER, attacker, bad_allocator, counter, late_attacker, number, result,
};
