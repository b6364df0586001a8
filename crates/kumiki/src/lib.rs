//! crates/kumiki
