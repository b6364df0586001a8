//! From the bytes of a component to machine code: read, checked against the
//! contract, compiled or taken from the cache.

mod cache;
mod component_file;
mod contract;
mod isolation;
mod loader;

pub use cache::{Artifact, Cache};
pub(crate) use cache::{Origin, Ready, copy};
pub use isolation::CompileCommand;
pub(crate) use loader::{ContractSource, Loaded, Loader};
