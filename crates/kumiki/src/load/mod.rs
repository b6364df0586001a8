//! From the bytes of a component to machine code: read, checked against the
//! contract, compiled or taken from the cache.

pub(crate) mod cache;
pub(crate) mod component_file;
pub(crate) mod contract;
mod isolation;

pub use cache::{Artifact, Cache};
pub use isolation::CompileCommand;
