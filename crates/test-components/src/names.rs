//! Plugins with arbitrary names of modules, functions, components and producers.

use crate::{TextPlugin, with_section};

/// Names in the custom sections of a component.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Name of the core module.
    pub module: String,
    /// Names of its functions, by index.
    pub functions: Vec<(u32, String)>,
    /// Name of the component.
    pub component: String,
    /// Tools that produced it, and their versions.
    pub makers: Vec<(String, String)>,
}

impl Names {
    /// Encodes the contents of the core module's section `name`.
    #[must_use]
    pub fn module_section(&self) -> Vec<u8> {
        let mut functions = self.functions.clone();
        functions.sort_by_key(|(number, _)| *number);
        functions.dedup_by_key(|(number, _)| *number);
        let mut map = leb128(functions.len());
        for (number, name) in &functions {
            map.extend(leb128(*number as usize));
            map.extend(string(name));
        }
        [subsection(0, &string(&self.module)), subsection(1, &map)].concat()
    }

    /// Encodes the contents of a section `producers`.
    #[must_use]
    pub fn makers_section(&self) -> Vec<u8> {
        let mut bytes = leb128(1);
        bytes.extend(string("processed-by"));
        bytes.extend(leb128(self.makers.len()));
        for (name, version) in &self.makers {
            bytes.extend(string(name));
            bytes.extend(string(version));
        }
        bytes
    }

    /// Adds the component's name to `component`.
    #[must_use]
    pub fn on_component(&self, bytes: &[u8]) -> Vec<u8> {
        let section = subsection(0, &string(&self.component));
        with_section(bytes, "component-name", &section)
    }
}

/// Builds a plugin that traps on every record, with these arbitrary bytes as the
/// sections `name` and `producers` of its module.
///
/// # Panics
/// If it cannot be converted to a component: the test is faulty.
#[must_use]
pub fn trapping(names: &[u8], makers: &[u8]) -> Vec<u8> {
    let plugin = TextPlugin::new("trapping").process("(call $deep)").items(
        "(func $deep (result i32) (call $deeper))
         (func $deeper (result i32) unreachable)",
    );
    // The encoder leaves these sections in the module.
    let component = plugin.build();
    within_module(&component, &[("name", names), ("producers", makers)])
}

/// Appends custom sections to the first core module of a component.
fn within_module(component: &[u8], sections: &[(&str, &[u8])]) -> Vec<u8> {
    // A header of 8 bytes, then sections of a number, a length, and the contents.
    let mut at = 8;
    loop {
        let (length, contents) = read_leb128(component, at + 1);
        let end = contents + length;
        if component[at] != 1 {
            at = end;
            continue;
        }
        let mut module = component[contents..end].to_vec();
        for (name, data) in sections {
            module = with_section(&module, name, data);
        }
        let mut bytes = component[..=at].to_vec();
        bytes.extend(leb128(module.len()));
        bytes.extend(module);
        bytes.extend(&component[end..]);
        return bytes;
    }
}

fn subsection(number: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number];
    bytes.extend(leb128(contents.len()));
    bytes.extend(contents);
    bytes
}

fn string(text: &str) -> Vec<u8> {
    let mut bytes = leb128(text.len());
    bytes.extend(text.bytes());
    bytes
}

/// Encodes a number in LEB128, as in WebAssembly and Parquet.
#[must_use]
pub fn leb128(mut value: usize) -> Vec<u8> {
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

/// Decodes a number. Returns it and the position after it.
fn read_leb128(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let (mut value, mut shift) = (0, 0);
    loop {
        value |= usize::from(bytes[at] & 0x7f) << shift;
        at += 1;
        if bytes[at - 1] & 0x80 == 0 {
            return (value, at);
        }
        shift += 7;
    }
}
