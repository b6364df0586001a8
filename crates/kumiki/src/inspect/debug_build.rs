//! Detection of debug builds.

use wasmparser::{Parser, Payload};

/// Rust's panic messages for arithmetic overflow. Only code with overflow checks contains
/// them: a debug build, or one with `overflow-checks = true`.
const OVERFLOWS: [&[u8]; 3] = [
    b"attempt to add with overflow",
    b"attempt to subtract with overflow",
    b"attempt to multiply with overflow",
];

/// Returns whether the data of any module contain such a message.
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
    fn overflow_messages_count_only_in_data() {
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
