//! Bytes of components.

/// Adds a section to a component.
pub(crate) fn with_section(mut component: Vec<u8>, number: u8, contents: &[u8]) -> Vec<u8> {
    component.push(number);
    component.extend(leb128(contents.len() as u64));
    component.extend(contents);
    component
}

/// A number in LEB128, as WebAssembly and Parquet write it.
pub(crate) fn leb128(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Tuple types in WebAssembly text. Each has two parts of the type before it.
pub(crate) fn doubling(times: u32) -> String {
    let mut text = "(type $t0 (tuple u8 u8))".to_owned();
    for level in 1..=times {
        let before = level - 1;
        text += &format!("(type $t{level} (tuple $t{before} $t{before}))");
    }
    text
}
