//! crates/kumiki-text
