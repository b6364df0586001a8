//! Detection of the Component Model's asynchronous calls, which WASI 0.3 introduced.

use wasmparser::WasmFeatures;

use super::is_valid;

/// Returns whether the component's structure is valid only if asynchronous calls are
/// enabled: asynchronous functions, streams, futures and their built-ins. The validator
/// knows them all; a list here would miss new ones.
pub(crate) fn is_asynchronous(bytes: &[u8]) -> bool {
    let without = WasmFeatures::all() - WasmFeatures::CM_ASYNC;
    !is_valid(bytes, without) && is_valid(bytes, WasmFeatures::all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asynchronous_components_are_detected() {
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
