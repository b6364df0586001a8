//! The WebAssembly proposals that a plugin may use: those that the compilers of plugins
//! emit. All others are disabled, because each proposal is code in the compiler and the
//! runtime that an untrusted plugin could be the first to run.
//!
//! `docs/decisions/0009-proposals.md` lists what each language's plugins use.

use wasmparser::{BinaryReaderError, Validator, WasmFeatures};

use crate::{Error, catch_panic, inspect};

/// The proposals that a plugin may use.
const ENABLED: WasmFeatures = WasmFeatures::WASM1
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::SIMD)
    // Used by CPython's and QuickJS's shared libraries.
    .union(WasmFeatures::EXTENDED_CONST)
    // Used by QuickJS.
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::COMPONENT_MODEL)
    // References to host objects: this host has none.
    .difference(WasmFeatures::GC_TYPES);

/// The proposals that wasmtime's adapters use, which it generates between two components
/// that have a memory each. A plugin's modules may not use them.
const ADAPTERS: WasmFeatures = WasmFeatures::MULTI_MEMORY;

/// Asynchronous functions, streams and futures, as WASI 0.3 has them. Only engines with
/// [`EngineConfig::concurrency`](super::EngineConfig::concurrency) have them.
const ASYNCHRONOUS: WasmFeatures = WasmFeatures::CM_ASYNC;

/// Enables the supported proposals and disables all others.
pub(crate) fn configure(config: &mut wasmtime::Config, concurrency: bool) {
    let mut enabled = ENABLED.union(ADAPTERS);
    if concurrency {
        enabled = enabled.union(ASYNCHRONOUS);
    }
    config.wasm_features(WasmFeatures::all().difference(enabled), false);
    config.wasm_features(enabled, true);
}

/// Returns a validator that accepts the proposals a plugin may use.
pub(crate) fn validator() -> Validator {
    Validator::new_with_features(ENABLED.union(ASYNCHRONOUS))
}

/// Returns the error for a component that [`validator`] refused: it uses a disabled
/// proposal, or is not valid WebAssembly.
pub(crate) fn refusal(plugin: &str, component: &[u8], source: &BinaryReaderError) -> Error {
    let proposal = match source.missing_wasm_feature() {
        Some(features) => name(features),
        // Not every error names the proposal that would permit the code.
        None if source.message() == "multiple memories" => "multi-memory".to_owned(),
        None if is_valid(component) => "unknown".to_owned(),
        None => return Error::malformed(plugin, source),
    };
    Error::proposal(plugin, proposal, source)
}

fn is_valid(component: &[u8]) -> bool {
    let all = WasmFeatures::all();
    let validate = || Validator::new_with_features(all).validate_all(component);
    inspect::is_valid(component, all) && catch_panic(validate).is_some_and(|valid| valid.is_ok())
}

/// Returns the names of proposals as WebAssembly tools spell them: `relaxed-simd`.
fn name(features: WasmFeatures) -> String {
    let names = features.iter_names();
    let names = names.map(|(name, _)| name.to_lowercase().replace('_', "-"));
    names.collect::<Vec<_>>().join(", ")
}
