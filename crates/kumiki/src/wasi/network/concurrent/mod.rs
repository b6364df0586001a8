//! `wasi:sockets` of WASI 0.3, with the guard, the lookups and the counted descriptors of
//! 0.2. A plugin cannot listen with either version.

mod held;
mod lookup;
mod sockets;

pub(crate) use lookup::link as link_lookups_0_3;
pub(crate) use sockets::link as link_sockets_0_3;

#[cfg(test)]
mod tests;
