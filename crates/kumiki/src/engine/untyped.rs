//! Errors to which wasmtime 48 gives no type that can be named, known by their texts:
//! here, and nowhere else. The tests fail when wasmtime changes one.

/// A limit that wasmtime, or its WASI, keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untyped {
    /// Bytes that one call hands over (`component/func/options.rs`).
    Transfer,
    /// Handles of one store (`vm/component/handle_table.rs`).
    Handles,
    /// Core instances, memories and tables of one store (`runtime/store.rs`).
    CoreInstances,
    /// Random bytes at once (`wasmtime-wasi`, `p2/host/random.rs`).
    Random,
}

const LIMITS: [(&str, Untyped); 4] = [
    ("fuel allocated for hostcalls", Untyped::Transfer),
    ("handle limit exceeded", Untyped::Handles),
    ("count too high", Untyped::CoreInstances),
    ("requested len", Untyped::Random),
];

/// A component that does not fit (`vm/instance/allocator/pooling.rs`).
const SLOT: &str = "fit in pooling allocator requirements";

/// The limit behind an error that has no type of its own.
pub(crate) fn limit(error: &wasmtime::Error) -> Option<Untyped> {
    let message = error.root_cause().to_string();
    let known = LIMITS.iter().find(|(text, _)| message.contains(text));
    known.map(|(_, limit)| *limit)
}

/// Whether a component could not be loaded because it needs more than a slot has.
pub(crate) fn is_too_large_for_slots(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| cause.to_string().contains(SLOT))
}
