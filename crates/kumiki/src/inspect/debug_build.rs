//! Whether a component was built for debugging, as far as a binary tells.

use wasmparser::{Parser, Payload};

/// What Rust says where arithmetic overflows. Only code that checks for it has
/// these texts: a debug build, or one with `overflow-checks = true`.
const OVERFLOWS: [&[u8]; 3] = [
    b"attempt to add with overflow",
    b"attempt to subtract with overflow",
    b"attempt to multiply with overflow",
];

/// Whether any module's data hold such a text.
pub(super) fn is_debug_build(bytes: &[u8]) -> bool {
    let mut payloads = Parser::new(0).parse_all(bytes).map_while(Result::ok);
    payloads.any(|payload| match payload {
        Payload::DataSection(section) => {
            let data = bytes.get(section.range()).unwrap_or_default();
            OVERFLOWS.iter().any(|text| contains(data, text))
        }
        _ => false,
    })
}

fn contains(data: &[u8], text: &[u8]) -> bool {
    data.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_data_count() {
        let module = |data: &str, name: &str| {
            test_components::parse(&format!(
                r#"(component (core module
                    (memory 1) (data (i32.const 0) "{data}") (@custom "{name}" "")))"#
            ))
        };
        let text = "attempt to add with overflow";
        assert!(is_debug_build(&module(&format!("x{text}y"), "x")));
        assert!(!is_debug_build(&module("x", text)));
        assert!(!is_debug_build(b"no module"));
    }
}
