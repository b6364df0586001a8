//! WASI 0.2 for plugins that import it, with what [`Grants`](crate::Grants) say
//! and nothing else; standard input is empty. What a guest writes to its
//! standard output and error goes into the log.

mod clocks;
mod context;
mod descriptors;
mod files;
mod folders;
mod granted;
mod http;
mod interfaces;
mod linking;
mod network;
mod output;
mod randomness;
mod threads;
mod waiting;

pub(crate) use context::{HasWasi, Wasi};
pub use descriptors::raise_descriptor_limit;
pub use folders::Protected;
pub(crate) use granted::Granted;
pub use interfaces::WASI_VERSION;
pub(crate) use interfaces::is_linked;
pub(crate) use linking::link;
