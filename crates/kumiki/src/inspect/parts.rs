//! The parts of a WebAssembly file by size, and its producers.

use std::fmt;
use std::ops::Range;

use wasmparser::{BinaryReader, Parser, Payload, ProducersSectionReader};

use crate::text;

/// The maximum number of producers returned; no known file has ten.
const PRODUCERS: usize = 100;
/// The maximum number of producers read, duplicates included.
const PRODUCERS_READ: usize = 10_000;

/// A part of a WebAssembly file. All core modules are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// Functions.
    Code,
    /// The initial contents of memories.
    Data,
    /// Types, imports, exports, and the instantiation of modules.
    Structure,
    /// Debug information (DWARF); costs nothing at run time.
    DebugInformation,
    /// Names of functions, for backtraces; cost nothing at run time.
    Names,
    /// The WIT in a core module, for the tool that turns it into a component.
    EmbeddedWit,
    /// Other custom sections, such as documentation and producers.
    OtherCustom,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Code => "code",
            Self::Data => "data",
            Self::Structure => "types and structure",
            Self::DebugInformation => "debug information",
            Self::Names => "names",
            Self::EmbeddedWit => "embedded WIT",
            Self::OtherCustom => "other custom sections",
        })
    }
}

/// A language or tool that produced a part of a component, according to the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Producer {
    /// The kind of producer: `language`, `processed-by` or `sdk`.
    pub field: String,
    /// Its name, such as `Rust`.
    pub name: String,
    /// Its version, as the file gives it; often empty.
    pub version: String,
}

impl Producer {
    /// Sanitizes the texts, because they come from the file.
    fn new(field: &str, name: &str, version: &str) -> Self {
        let shown = |text| text::name(text).into_owned();
        Self {
            field: shown(field),
            name: shown(name),
            version: shown(version),
        }
    }
}

/// Reads the parts and producers of a file, nested modules and components included, up to
/// the first error. Every byte counts in exactly one part, so the sizes add up.
pub(super) fn read(bytes: &[u8]) -> (Vec<(Part, usize)>, Vec<Producer>) {
    let mut sizes: Vec<(Part, usize)> = Vec::new();
    let mut producers = Vec::new();
    let mut counted_to = 0;
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        let (part, range) = match payload {
            Payload::CodeSectionStart { range, .. } => (Part::Code, range),
            Payload::DataSection(section) => (Part::Data, section.range()),
            Payload::CustomSection(section) => {
                match section.name() {
                    _ if producers.len() >= PRODUCERS_READ => {}
                    "producers" => producers.extend(read_producers(section.data())),
                    "kumiki-sdk" => producers.extend(read_sdk(section.data())),
                    _ => {}
                }
                (custom_part(section.name()), section.range())
            }
            _ => continue,
        };
        // In a malformed file, a section may extend beyond the end of the file or overlap
        // the next section.
        let range = range.start.max(counted_to)..range.end.min(bytes.len());
        counted_to = counted_to.max(range.end);
        add(&mut sizes, part, range);
    }
    let counted: usize = sizes.iter().map(|(_, size)| size).sum();
    let structure = bytes.len().saturating_sub(counted);
    sizes.push((Part::Structure, structure));
    sizes.sort_by_key(|(part, size)| (std::cmp::Reverse(*size), *part));
    producers.sort();
    producers.dedup();
    producers.truncate(PRODUCERS);
    (sizes, producers)
}

fn add(sizes: &mut Vec<(Part, usize)>, part: Part, range: Range<usize>) {
    match sizes.iter_mut().find(|(known, _)| *known == part) {
        Some((_, size)) => *size += range.len(),
        None => sizes.push((part, range.len())),
    }
}

fn custom_part(name: &str) -> Part {
    match name {
        "name" | "component-name" => Part::Names,
        name if name.starts_with(".debug") || name == "external_debug_info" => {
            Part::DebugInformation
        }
        name if name.starts_with("component-type") => Part::EmbeddedWit,
        _ => Part::OtherCustom,
    }
}

/// Reads the custom section of a Kumiki guest SDK: its name and version, separated by a
/// space.
fn read_sdk(data: &[u8]) -> Option<Producer> {
    let (name, version) = std::str::from_utf8(data).ok()?.split_once(' ')?;
    Some(Producer::new("sdk", name, version))
}

fn read_producers(data: &[u8]) -> Vec<Producer> {
    let mut producers = Vec::new();
    let Ok(fields) = ProducersSectionReader::new(BinaryReader::new(data, 0)) else {
        return producers;
    };
    for field in fields.into_iter().map_while(Result::ok) {
        for value in field.values.into_iter().map_while(Result::ok) {
            producers.push(Producer::new(field.name, value.name, value.version));
            if producers.len() >= PRODUCERS_READ {
                return producers;
            }
        }
    }
    producers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A truncated file may contain only the beginning of a section.
    #[test]
    fn sizes_add_up_in_truncated_files() {
        let module = test_components::parse(
            r#"(module (memory 1) (data (i32.const 0) "0123456789") (func) (func) (func))"#,
        );
        for end in 0..module.len() {
            let (parts, _) = read(&module[..end]);
            assert_eq!(parts.iter().map(|(_, size)| size).sum::<usize>(), end);
        }
    }

    #[test]
    fn sizes_add_up_and_producers_are_read() {
        let module = test_components::parse(
            r#"(module
                (memory 1) (data (i32.const 0) "0123456789")
                (func $named (drop (i32.const 1)))
                (@custom "kumiki-sdk" "kumiki-plugin 1.2.3")
                (@custom "component-type:world" "types")
                (@custom ".debug_info" "some debug information")
                (@producers (language "Rust" "2024") (processed-by "rustc" "1.95")))"#,
        );
        let (parts, producers) = read(&module);
        assert_eq!(
            parts.iter().map(|(_, size)| size).sum::<usize>(),
            module.len()
        );
        let names: Vec<_> = parts.iter().map(|(part, _)| *part).collect();
        for part in [
            Part::Code,
            Part::Data,
            Part::Names,
            Part::DebugInformation,
            Part::EmbeddedWit,
        ] {
            assert!(names.contains(&part), "{part} in {names:?}");
        }
        let producers: Vec<_> = producers
            .iter()
            .map(|producer| format!("{} {} {}", producer.field, producer.name, producer.version))
            .collect();
        assert_eq!(
            producers,
            [
                "language Rust 2024",
                "processed-by rustc 1.95",
                "sdk kumiki-plugin 1.2.3"
            ]
        );
    }
}
