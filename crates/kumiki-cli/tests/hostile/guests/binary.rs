//! Bytes of components.

pub(crate) use test_components::names::leb128;

/// Adds a section to a component.
pub(crate) fn with_section(mut component: Vec<u8>, number: u8, contents: &[u8]) -> Vec<u8> {
    component.push(number);
    component.extend(leb128(contents.len()));
    component.extend(contents);
    component
}

/// Tuple types in WebAssembly text. Each contains the previous type twice.
pub(crate) fn doubling(times: u32) -> String {
    let mut text = "(type $t0 (tuple u8 u8))".to_owned();
    for level in 1..=times {
        let before = level - 1;
        text += &format!("(type $t{level} (tuple $t{before} $t{before}))");
    }
    text
}
