//! WASI 0.2 for plugins that import it, with what [`Grants`](crate::Grants) say
//! and nothing else.

mod context;
mod descriptors;
mod files;
pub(crate) mod folders;
mod granted;
mod http;
mod network;
mod threads;
pub(crate) mod waiting;

pub use context::WASI_VERSION;
pub(crate) use context::{Wasi, is_linked, link};
pub use descriptors::raise_descriptor_limit;
pub use folders::Protected;
pub(crate) use granted::Granted;
