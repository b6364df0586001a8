//! Sharing of core modules: two plugins of one language contain the same bytes of its
//! runtime, which are compiled once for both.
//!
//! Before a component is compiled, each large core module in it becomes an import
//! ([`split`]). The host compiles the module by itself, and links it to all components
//! that import it. A module is only ever identified by the hash of all its bytes.

mod module_type;
mod split;

pub(super) use split::{SplitComponent, split};
