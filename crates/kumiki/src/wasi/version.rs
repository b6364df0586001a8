//! The version of WASI.

/// The version of WASI that this host implements, which is that of wasmtime's WIT. It is
/// compatible with earlier versions of 0.2.
pub const WASI_VERSION: &str = "0.2.12";
