//! The panic hook of Rust plugins.

/// The path of its source in a project.
pub(crate) const PATH: &str = "src/panics.rs";

/// Its source for the text contract; the skeleton generates the one for another contract.
pub(crate) const SOURCE: &str = include_str!("../templates/rust/src/panics.rs");
