//! The [`Kind`] of a file, detected from its bytes.

use std::fmt;

use wasmparser::{ComponentExternalKind, Parser, Payload};
use wasmtime::{Engine, Precompiled};

/// The kind of a file, detected from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A WebAssembly component; the only kind that can be a plugin.
    Component,
    /// A WebAssembly core module.
    CoreModule,
    /// A WIT package in binary format: types only, no code.
    WitPackage,
    /// Machine code compiled by wasmtime.
    Artifact,
    /// A native program or library.
    NativeBinary,
    /// A truncated WebAssembly file.
    Truncated,
    /// A WebAssembly file of an unknown version.
    UnknownVersion,
    /// WebAssembly in text format.
    WebAssemblyText,
    /// WIT source text.
    WitText,
    /// Other text.
    Text,
    /// An empty file.
    Empty,
    /// Any other file.
    Unknown,
}

impl Kind {
    /// Detects the kind of a file. Reads the whole structure of a WebAssembly file, but
    /// does not validate it.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        const MAGIC: &[u8] = b"\0asm";
        if bytes.is_empty() {
            return Self::Empty;
        }
        if bytes.starts_with(MAGIC) {
            return Self::of_wasm(bytes);
        }
        if MAGIC.starts_with(bytes) {
            return Self::Truncated;
        }
        if let Some(Precompiled::Component | Precompiled::Module) =
            Engine::detect_precompiled(bytes)
        {
            return Self::Artifact;
        }
        let native: [&[u8]; 4] = [b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"];
        if native.iter().any(|magic| bytes.starts_with(magic)) {
            return Self::NativeBinary;
        }
        Self::of_text(bytes)
    }

    fn of_wasm(bytes: &[u8]) -> Self {
        match bytes.get(4..8) {
            None => return Self::Truncated,
            Some([1, 0, 0, 0]) => {}
            Some([0x0d, 0, 1, 0]) => {}
            Some(_) => return Self::UnknownVersion,
        }
        let (mut runs, mut exports_types) = (false, false);
        for payload in Parser::new(0).parse_all(bytes) {
            match payload {
                Err(error) if error.message().starts_with("unexpected end") => {
                    return Self::Truncated;
                }
                // Validation reports the error.
                Err(_) => return Self::layer(bytes),
                Ok(Payload::ModuleSection { .. } | Payload::ComponentInstanceSection(_)) => {
                    runs = true;
                }
                Ok(Payload::ComponentExportSection(section)) => {
                    exports_types |= section.into_iter().flatten().any(|export| {
                        matches!(
                            export.kind,
                            ComponentExternalKind::Type | ComponentExternalKind::Component
                        )
                    });
                }
                Ok(_) => {}
            }
        }
        if !runs && exports_types {
            Self::WitPackage
        } else {
            Self::layer(bytes)
        }
    }

    fn layer(bytes: &[u8]) -> Self {
        if Parser::is_component(bytes) {
            Self::Component
        } else {
            Self::CoreModule
        }
    }

    fn of_text(bytes: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Self::Unknown;
        };
        let first = text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with("//") && !line.starts_with(";;"));
        let starts = |words: &[&str]| {
            first.is_some_and(|line| words.iter().any(|word| line.starts_with(word)))
        };
        if starts(&["(component", "(module"]) {
            Self::WebAssemblyText
        } else if starts(&["package ", "interface ", "world "]) {
            Self::WitText
        } else if text.contains('\0') {
            Self::Unknown
        } else {
            Self::Text
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Component => "a component",
            Self::CoreModule => "a core module",
            Self::WitPackage => "a WIT package in binary format",
            Self::Artifact => "an artifact compiled by wasmtime",
            Self::NativeBinary => "a native program or library",
            Self::Truncated => "a truncated WebAssembly file",
            Self::UnknownVersion => "a WebAssembly file of an unknown version",
            Self::WebAssemblyText => "WebAssembly text",
            Self::WitText => "WIT text",
            Self::Text => "text",
            Self::Empty => "an empty file",
            Self::Unknown => "a file of an unknown kind",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_detected() {
        let component = b"\0asm\x0d\0\x01\0";
        let module = b"\0asm\x01\0\0\0";
        let cases: [(&[u8], Kind); 14] = [
            (b"", Kind::Empty),
            (b"\0", Kind::Truncated),
            (b"\0asm", Kind::Truncated),
            (b"\0asm\x0d\0", Kind::Truncated),
            (component, Kind::Component),
            (module, Kind::CoreModule),
            (b"\0asm\x63\0\0\0", Kind::UnknownVersion),
            (b"\x7fELF\x02\x01\x01\0", Kind::NativeBinary),
            (b"(component)", Kind::WebAssemblyText),
            (b"\n;; hello\n  (module)", Kind::WebAssemblyText),
            (b"// hello\npackage a:b;", Kind::WitText),
            (b"hello", Kind::Text),
            (b"hel\0lo", Kind::Unknown),
            (b"\xff\xfe\xfd", Kind::Unknown),
        ];
        for (bytes, kind) in cases {
            assert_eq!(Kind::of(bytes), kind, "{}", bytes.escape_ascii());
        }
    }
}
