//! WASI 0.2 and 0.3 for plugins, limited to their [`Grants`](crate::Grants). Standard input
//! is empty; standard output and error go to the log.

mod clock_waits;
mod clocks;
mod context;
mod descriptors;
mod files;
mod folders;
#[cfg(test)]
mod generated_tests;
mod granted;
#[cfg_attr(not(feature = "http"), path = "no_http.rs")]
mod http;
mod interfaces;
mod linking;
mod network;
mod output;
mod randomness;
#[cfg(test)]
mod test_instances;
mod threads;
mod unknown_imports;
mod version;
mod waiting;

pub(crate) use context::{HasWasi, Wasi};
pub use descriptors::raise_descriptor_limit;
pub use folders::Protected;
pub(crate) use granted::Granted;
pub(crate) use interfaces::{is_linked, is_version_0_3, waits_in_synchronous_functions};
pub(crate) use linking::{link, link_0_3};
pub(crate) use unknown_imports::link_unknown_imports;
pub use version::{WASI_0_3_VERSION, WASI_VERSION};
pub(crate) use waiting::{Waits, interrupt_after};
