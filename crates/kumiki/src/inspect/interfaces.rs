//! The names that a component or a core module imports and exports.

use std::borrow::Cow;
use std::collections::HashSet;

use wasmparser::{Parser, Payload};

use crate::{Error, Result, text};

/// The names that a component or a core module imports and exports, in the order of its
/// binary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interfaces {
    /// Interfaces such as `wasi:io/poll@0.2.0`, and functions such as `greet`. For a core
    /// module, the modules that it imports from, without duplicates.
    pub imports: Vec<String>,
    /// The same for exports.
    pub exports: Vec<String>,
}

impl Interfaces {
    /// Reads the names that the outermost component or module imports and exports;
    /// `plugin` is its name in errors.
    ///
    /// # Errors
    /// [`Error::Malformed`] when `bytes` do not have the structure of a WebAssembly
    /// binary.
    pub fn of(plugin: &str, bytes: &[u8]) -> Result<Self> {
        Self::read(bytes).map_err(|source| Error::malformed(plugin, &source))
    }

    /// Truncates the names for display, and escapes invisible characters.
    pub(super) fn truncated(self) -> Self {
        let truncate = |names: Vec<String>| {
            let names = names.iter().map(|name| text::name(name));
            names.map(Cow::into_owned).collect()
        };
        Self {
            imports: truncate(self.imports),
            exports: truncate(self.exports),
        }
    }

    fn read(bytes: &[u8]) -> wasmparser::Result<Self> {
        let mut interfaces = Self::default();
        let mut modules = HashSet::new();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        interfaces.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        interfaces.exports.push(export?.name.name.to_owned());
                    }
                }
                Payload::ImportSection(section) if depth == 0 => {
                    for import in section.into_imports() {
                        let module = import?.module;
                        if modules.insert(module) {
                            interfaces.imports.push(module.to_owned());
                        }
                    }
                }
                Payload::ExportSection(section) if depth == 0 => {
                    for export in section {
                        interfaces.exports.push(export?.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(interfaces)
    }
}

/// Returns the name of an interface with only the compatible part of its version:
/// `wasi:io/poll@0.2.6` and `@0.2.0` both give `wasi:io/poll@0.2`. A pre-release is
/// compatible only with itself.
pub(crate) fn compatible_name(name: &str) -> String {
    let Some((interface, version)) = name.split_once('@') else {
        return name.to_owned();
    };
    if version.contains(['-', '+']) {
        return name.to_owned();
    }
    let mut numbers = version.split('.');
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some("0"), Some("0"), Some(_)) => name.to_owned(),
        (Some("0"), Some(minor), Some(_)) => format!("{interface}@0.{minor}"),
        (Some(major), Some(_), Some(_)) => format!("{interface}@{major}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatible_name_has_only_the_compatible_version() {
        for (name, expected) in [
            ("myapp:text-processor/plugin", "myapp:text-processor/plugin"),
            ("wasi:io/poll@0.2.0", "wasi:io/poll@0.2"),
            ("wasi:io/poll@0.2.12", "wasi:io/poll@0.2"),
            ("wasi:io/poll@0.3.0", "wasi:io/poll@0.3"),
            ("wasi:cli/run@0.2.0-rc-2023", "wasi:cli/run@0.2.0-rc-2023"),
            ("a:b/c@1.2.3", "a:b/c@1"),
            ("a:b/c@0.0.3", "a:b/c@0.0.3"),
            ("greet", "greet"),
        ] {
            assert_eq!(compatible_name(name), expected);
        }
    }

    #[test]
    fn only_outermost_interfaces_are_read() {
        let bytes = test_components::parse(
            r#"(component
                (import "a:b/c@1.0.0" (instance $c (export "f" (func))))
                (component (import "inner" (func)))
                (core module (import "core" "f" (func)))
                (export "d:e/f" (instance $c)))"#,
        );
        let interfaces = Interfaces::of("p", &bytes).unwrap();
        assert_eq!(interfaces.imports, ["a:b/c@1.0.0"]);
        assert_eq!(interfaces.exports, ["d:e/f"]);
        let bytes = test_components::parse(
            r#"(module
                (import "env" "f" (func)) (import "wasi_snapshot_preview1" "g" (func))
                (import "env" "h" (func)) (func (export "run")))"#,
        );
        let interfaces = Interfaces::of("p", &bytes).unwrap();
        assert_eq!(interfaces.imports, ["env", "wasi_snapshot_preview1"]);
        assert_eq!(interfaces.exports, ["run"]);
        assert!(Interfaces::of("p", b"no").is_err());
    }
}
