//! crates/test-components
