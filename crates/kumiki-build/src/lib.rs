//! crates/kumiki-build
