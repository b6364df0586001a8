//! The versions of WASI.

/// The version of WASI that this host implements, which is that of wasmtime's WIT. It is
/// compatible with earlier versions of 0.2.
pub const WASI_VERSION: &str = "0.2.12";

/// The version of WASI 0.3 that this host implements beside [`WASI_VERSION`]. Later
/// versions of 0.3 are accepted if a plugin uses nothing that they added.
pub const WASI_0_3_VERSION: &str = "0.3.0";
