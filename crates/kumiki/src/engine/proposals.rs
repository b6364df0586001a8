//! Which proposals of WebAssembly a plugin may use: what the compilers of plugins
//! emit, and nothing else. Each proposal is code in the compiler and the runtime
//! that a stranger's plugin could be the first to run.
//!
//! `docs/decisions/0009-proposals.md` has what each language's plugins use.

use wasmparser::{BinaryReaderError, Validator, WasmFeatures};

use crate::{Error, catch_panic, inspect};

/// What a plugin may use.
const ENABLED: WasmFeatures = WasmFeatures::WASM1
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::SIMD)
    // CPython's and QuickJS's shared libraries; QuickJS.
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::COMPONENT_MODEL)
    // References to the host's objects: no host here has such objects.
    .difference(WasmFeatures::GC_TYPES);

/// What wasmtime's own adapters use, which it makes between two components that
/// have a memory each. A plugin's modules may not.
const ADAPTERS: WasmFeatures = WasmFeatures::MULTI_MEMORY;

/// Asynchronous calls. No engine here has them, but the check knows them: it says
/// more of a component that was built for WASI 0.3.
const ASYNCHRONOUS: WasmFeatures = WasmFeatures::CM_ASYNC
    .union(WasmFeatures::CM_ASYNC_STACKFUL)
    .union(WasmFeatures::CM_MORE_ASYNC_BUILTINS)
    .union(WasmFeatures::CM_THREADING)
    .union(WasmFeatures::CM_ERROR_CONTEXT);

/// Switches everything else off.
pub(crate) fn configure(config: &mut wasmtime::Config) {
    let enabled = ENABLED.union(ADAPTERS);
    config.wasm_features(WasmFeatures::all().difference(enabled), false);
    config.wasm_features(enabled, true);
}

/// A validator that knows what a plugin may use.
pub(crate) fn validator() -> Validator {
    Validator::new_with_features(ENABLED.union(ASYNCHRONOUS))
}

/// Why [`validator`] refused a component: for a proposal that is switched off, or
/// because no WebAssembly is like this.
pub(crate) fn refusal(plugin: &str, component: &[u8], source: &BinaryReaderError) -> Error {
    let proposal = match source.missing_wasm_feature() {
        Some(features) => name(features),
        // Not every rule says which proposal would change it.
        None if source.message() == "multiple memories" => "multi-memory".to_owned(),
        None if is_valid(component) => "a proposal of WebAssembly".to_owned(),
        None => return Error::malformed(plugin, source),
    };
    Error::proposal(plugin, proposal, source)
}

fn is_valid(component: &[u8]) -> bool {
    let all = WasmFeatures::all();
    let validate = || Validator::new_with_features(all).validate_all(component);
    inspect::is_valid(component, all) && catch_panic(validate).is_some_and(|valid| valid.is_ok())
}

/// The names of proposals as WebAssembly's tools spell them: `relaxed-simd`.
fn name(features: WasmFeatures) -> String {
    let names = features.iter_names();
    let names = names.map(|(name, _)| name.to_lowercase().replace('_', "-"));
    names.collect::<Vec<_>>().join(", ")
}
