//! Loading of components: reads a file, checks the component against the contract, and
//! compiles it or takes its artifact from the compile cache.

#[cfg_attr(not(feature = "cache"), path = "no_cache.rs")]
mod cache;
mod compiled;
mod compiler;
mod component_file;
mod contract;
mod isolation;
mod loader;
mod machine_code;
mod shared_modules;
mod thin;

#[cfg(not(feature = "cache"))]
pub(crate) use cache::Cache;
#[cfg(feature = "cache")]
pub use cache::{Artifact, Cache, Runtime};
pub(crate) use compiled::{Needs, Origin, Ready};
pub(crate) use contract::ContractSource;
pub use isolation::CompileCommand;
pub(crate) use loader::{Loaded, Loader};
pub(crate) use machine_code::copy;
pub use thin::ThinComponent;
