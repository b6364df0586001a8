//! Network access of guests: sockets, name lookups, and the check of addresses and names
//! against grants.

mod concurrent;
mod guard;
mod interfaces;
mod lookup;
pub(crate) mod resolver;
mod sockets;

pub(crate) use concurrent::{link_lookups_0_3, link_sockets_0_3};
pub(crate) use guard::Guard;
#[cfg(feature = "http")]
pub(crate) use guard::Unreachable;
pub(crate) use lookup::{Lookups, link as link_lookups};

pub(crate) use sockets::{HasSockets, Sockets, link as link_sockets};
