//! Loading of components: reads a file, checks the component against the contract, and
//! compiles it or takes its artifact from the compile cache.

mod cache;
mod component_file;
mod contract;
mod isolation;
mod loader;

pub use cache::{Artifact, Cache};
pub(crate) use cache::{Origin, Ready, copy};
pub(crate) use contract::ContractSource;
pub use isolation::CompileCommand;
pub(crate) use loader::{Loaded, Loader};
