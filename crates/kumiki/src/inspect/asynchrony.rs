//! Whether a component needs the Component Model's asynchronous calls, which
//! came with WASI 0.3.

use wasmparser::WasmFeatures;

use super::is_valid;

/// Whether the component's structure is valid with asynchronous calls only:
/// asynchronous functions, streams, futures, and what works on them. The
/// validator knows them all; a list of ours would miss the next.
pub(crate) fn is_asynchronous(bytes: &[u8]) -> bool {
    let without = WasmFeatures::all() - WasmFeatures::CM_ASYNC;
    !is_valid(bytes, without) && is_valid(bytes, WasmFeatures::all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_asynchronous_calls() {
        for (text, expected) in [
            ("(component)", false),
            (r#"(component (import "f" (func)))"#, false),
            (r#"(component (import "f" (func async)))"#, true),
            (
                r#"(component (type $s (stream u8)) (import "f" (func (param "s" $s))))"#,
                true,
            ),
            (
                r#"(component (type $f (future)) (import "f" (func (result $f))))"#,
                true,
            ),
            ("(component (core func (canon task.cancel)))", true),
            ("(module)", false),
        ] {
            let bytes = test_components::parse(text);
            assert_eq!(is_asynchronous(&bytes), expected, "{text}");
        }
        assert!(!is_asynchronous(b"no component"));
    }
}
