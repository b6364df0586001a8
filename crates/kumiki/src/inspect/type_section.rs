//! The depth and the number of parts of a component's types, counted without recursion:
//! wasmparser reads nested types recursively, and three bytes add a level.

use wasmparser::{
    BinaryReader, ComponentAlias, ComponentDefinedType, ComponentExternName, ComponentImport,
    ComponentType, ComponentTypeRef, CoreType, Result,
};

/// The measurements of a type section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// The levels of nested instance and component types.
    pub(super) depth: usize,
    /// The number of types, fields, cases, parameters and declarations.
    pub(super) parts: usize,
    /// The length in bytes of the longest name of an import, export, parameter, field or
    /// case.
    pub(super) longest_name: usize,
}

/// Measures a type section, which begins with its number of types. Stops at the end, at
/// an error, and at a type nested deeper than `most`.
pub(super) fn read(section: &[u8], most: usize) -> Shape {
    let mut shape = Shape::default();
    let mut reader = BinaryReader::new(section, 0);
    let walked = reader.read_var_u32().and_then(|types| {
        (0..types).try_for_each(|_| {
            if shape.depth <= most {
                shape.walk(&mut reader, most)?;
            }
            Ok(())
        })
    });
    // The validator reports the error.
    let _ = walked;
    shape
}

impl Shape {
    /// Measures one type and all types nested in it.
    fn walk(&mut self, reader: &mut BinaryReader<'_>, most: usize) -> Result<()> {
        // The number of unread declarations of each enclosing type.
        let mut open: Vec<u32> = Vec::new();
        loop {
            // A type begins here.
            if matches!(peek(reader)?, 0x41 | 0x42) {
                reader.read_u8()?;
                open.push(reader.read_var_u32()?);
                self.parts += 1;
                self.depth = self.depth.max(open.len());
                if self.depth > most {
                    return Ok(());
                }
            } else {
                let ty: ComponentType<'_> = reader.read()?;
                self.parts = self.parts.saturating_add(parts(&ty));
                self.name(longest_name(&ty));
            }
            // Skip declarations up to the next nested type.
            loop {
                let Some(left) = open.last_mut() else {
                    return Ok(());
                };
                if *left == 0 {
                    open.pop();
                    continue;
                }
                *left -= 1;
                self.parts += 1;
                match reader.read_u8()? {
                    0x00 => match reader.read()? {
                        CoreType::Module(declarations) => {
                            self.parts = self.parts.saturating_add(declarations.len());
                        }
                        CoreType::Rec(_) => {}
                    },
                    0x01 => break,
                    0x02 => {
                        reader.read::<ComponentAlias<'_>>()?;
                    }
                    0x03 => {
                        self.name(reader.read::<ComponentImport<'_>>()?.name.name.len());
                    }
                    0x04 => {
                        self.name(reader.read::<ComponentExternName<'_>>()?.name.len());
                        reader.read::<ComponentTypeRef>()?;
                    }
                    _ => return Ok(()),
                }
            }
        }
    }
}

impl Shape {
    fn name(&mut self, bytes: usize) {
        self.longest_name = self.longest_name.max(bytes);
    }
}

fn peek(reader: &BinaryReader<'_>) -> Result<u8> {
    reader.clone().read_u8()
}

/// Counts the parts of a type without nested types.
fn parts(ty: &ComponentType<'_>) -> usize {
    use ComponentDefinedType as T;
    match ty {
        ComponentType::Func(function) => 1 + function.params.len(),
        ComponentType::Defined(T::Record(fields)) => 1 + fields.len(),
        ComponentType::Defined(T::Variant(cases)) => 1 + cases.len(),
        ComponentType::Defined(T::Tuple(types)) => 1 + types.len(),
        ComponentType::Defined(T::Flags(names) | T::Enum(names)) => 1 + names.len(),
        _ => 1,
    }
}

/// Returns the length of the longest name in a type without nested types.
fn longest_name(ty: &ComponentType<'_>) -> usize {
    use ComponentDefinedType as T;
    let longest = match ty {
        ComponentType::Func(function) => function.params.iter().map(|it| it.0.len()).max(),
        ComponentType::Defined(T::Record(fields)) => fields.iter().map(|it| it.0.len()).max(),
        ComponentType::Defined(T::Variant(cases)) => cases.iter().map(|it| it.name.len()).max(),
        ComponentType::Defined(T::Flags(names) | T::Enum(names)) => {
            names.iter().map(|it| it.len()).max()
        }
        _ => None,
    };
    longest.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes this many nested instance types, the innermost empty.
    fn nested(levels: usize) -> Vec<u8> {
        let mut bytes = vec![1];
        for _ in 1..levels {
            bytes.extend([0x42, 1, 1]);
        }
        bytes.extend([0x42, 0]);
        bytes
    }

    #[test]
    fn depth_is_measured_without_recursion() {
        for levels in [1, 2, 50] {
            assert_eq!(read(&nested(levels), 100).depth, levels);
        }
        assert_eq!(read(&nested(1_000_000), 100).depth, 101);
        let cut = &nested(60)[..100];
        assert!(read(cut, 100).depth <= 60);
    }

    #[test]
    fn longest_name_is_found_in_every_kind_of_type() {
        for text in [
            "(type (record (field \"a\" u8) (field \"abcdef\" u8)))",
            "(type (variant (case \"abcdef\") (case \"b\" u8)))",
            "(type (flags \"a\" \"abcdef\"))",
            "(type (enum \"abcdef\" \"a\"))",
            "(type (func (param \"abcdef\" u8) (result u8)))",
            "(type (instance (export \"abcdef\" (func))))",
            "(type (component (import \"abcdef\" (func)) (type u8)))",
            "(type (component (type (instance (export \"abcdef\" (func))))))",
        ] {
            let bytes = test_components::parse(&format!("(component {text})"));
            assert_eq!(read(&bytes[10..], 100).longest_name, 6, "{text}");
        }
    }

    #[test]
    fn parts_are_counted_in_every_kind_of_type() {
        for (text, expected) in [
            ("(type u8)", 1),
            ("(type (record (field \"a\" u8) (field \"b\" u8)))", 3),
            ("(type (variant (case \"a\") (case \"b\" u8)))", 3),
            ("(type (enum \"a\" \"b\" \"c\"))", 4),
            ("(type (tuple u8 u8))", 3),
            ("(type (func (param \"a\" u8) (result u8)))", 2),
            ("(type (instance (export \"a\" (func))))", 4),
            ("(type (component (import \"a\" (func)) (type u8)))", 6),
        ] {
            let bytes = test_components::parse(&format!("(component {text})"));
            // A header of 8 bytes, then the section's ID and its length.
            assert_eq!(bytes[8], 7, "{text}");
            let shape = read(&bytes[10..], 100);
            assert_eq!(shape.parts, expected, "{text}");
        }
    }
}
