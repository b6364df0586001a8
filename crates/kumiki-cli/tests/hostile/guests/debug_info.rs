//! Debug information (DWARF) in which one address is in many functions: each is
//! inlined into the next and has a long name.

/// The custom sections of a core module, as WebAssembly text. All code is in the
/// innermost of `levels` nested functions, whose name has `name` bytes.
pub(crate) fn sections(levels: u32, name: usize) -> String {
    let mut names = vec![b'n'; name];
    names.push(0);
    [
        (".debug_abbrev", abbreviations()),
        (".debug_info", information(levels)),
        (".debug_str", names),
    ]
    .iter()
    .map(|(name, bytes)| format!("(@custom \"{name}\" \"{}\")", text(bytes)))
    .collect()
}

/// A string literal of these bytes.
fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'a'..=b'z' => text.push(*byte as char),
            byte => text.push_str(&format!("\\{byte:02x}")),
        }
    }
    text
}

/// The abbreviations of the entries: a unit, a function with only a name, a function
/// with its addresses, and an inlined function that refers to a named one.
fn abbreviations() -> Vec<u8> {
    let (low, high, name, origin) = ([0x11, 0x01], [0x12, 0x06], [0x03, 0x0e], [0x31, 0x13]);
    let entry = |code: u8, tag: u8, children: u8, attributes: &[[u8; 2]]| {
        let attributes = attributes.iter().flatten().copied();
        let head = [code, tag, children].into_iter();
        head.chain(attributes).chain([0, 0]).collect::<Vec<u8>>()
    };
    let mut bytes = [
        entry(1, 0x11, 1, &[low, high]),
        entry(2, 0x2e, 0, &[name]),
        entry(3, 0x2e, 1, &[low, high, name]),
        entry(4, 0x1d, 1, &[origin, low, high]),
    ]
    .concat();
    bytes.push(0);
    bytes
}

fn information(levels: u32) -> Vec<u8> {
    // All code from the first instruction.
    let (low, high) = (1_u32.to_le_bytes(), 0x00ff_ffff_u32.to_le_bytes());
    // Version 4, the offset of the abbreviations, addresses of 4 bytes.
    let mut bytes = vec![4, 0, 0, 0, 0, 0, 4];
    let mut add = |parts: &[&[u8]]| {
        let offset = 4 + bytes.len() as u32;
        parts.iter().for_each(|part| bytes.extend(*part));
        offset
    };
    add(&[&[1], &low, &high]);
    let named = add(&[&[2], &[0; 4]]).to_le_bytes();
    add(&[&[3], &low, &high, &[0; 4]]);
    for _ in 0..levels {
        add(&[&[4], &named, &low, &high]);
    }
    // The ends of all entries that contain entries.
    add(&[&vec![0; levels as usize + 2]]);
    let mut unit = (bytes.len() as u32).to_le_bytes().to_vec();
    unit.append(&mut bytes);
    unit
}
