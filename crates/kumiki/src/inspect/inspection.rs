//! All there is to say about a file without running it.

use super::debug_build::is_debug_build;
use super::{Capability, Interfaces, Kind, Part, Producer, bounds, is_asynchronous, parts, wit};
use crate::{Error, Result};

/// What a file is, what it is made of, and what it could touch.
///
/// ```
/// use kumiki::inspect::{Inspection, Kind};
///
/// let bytes = test_components::TextPlugin::new("echo").build();
/// let inspection = Inspection::of(&bytes);
/// assert_eq!(inspection.kind, Kind::Component);
/// assert!(inspection.capabilities.is_empty());
/// assert!(inspection.interfaces.exports.contains(&"myapp:text-processor/plugin".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// What the file is.
    pub kind: Kind,
    /// Its size in bytes.
    pub bytes: usize,
    /// What it has too much of to be read further, in words such as `101
    /// components within each other, over 100`: no plugin may be made of so
    /// much. Interfaces, capabilities, parts and producers are empty then.
    pub too_large: Option<String>,
    /// What it imports and exports, each name cut at 200 bytes; empty for
    /// what is neither a component nor a core module.
    pub interfaces: Interfaces,
    /// Whether it needs the asynchronous calls of WASI 0.3.
    pub is_asynchronous: bool,
    /// Whether it has Rust in it that checks arithmetic for overflow, as a
    /// debug build does.
    pub is_debug_build: bool,
    /// What its imports could touch if it were granted, each once.
    pub capabilities: Vec<Capability>,
    /// Its parts with their sizes in bytes, largest first; they add up to
    /// `bytes`. Empty for what is not WebAssembly.
    pub parts: Vec<(Part, usize)>,
    /// Languages and tools that say they made it, each once; 100 at the most, with
    /// texts cut at 200 bytes.
    pub producers: Vec<Producer>,
}

impl Inspection {
    /// Inspects `bytes`, whatever they are. What cannot be read is left out. It
    /// takes a time that grows as the file does: what would take longer is
    /// not read, and [`Inspection::too_large`] says so.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let kind = Kind::of(bytes);
        if let Err(Error::TooLarge {
            what, found, most, ..
        }) = bounds::check("", bytes)
        {
            return Self {
                too_large: Some(format!("{found} {what}, over {most}")),
                ..Self::bare(kind, bytes)
            };
        }
        let interfaces = match kind {
            Kind::Component | Kind::WitPackage | Kind::CoreModule => {
                Interfaces::of("", bytes).unwrap_or_default()
            }
            _ => Interfaces::default(),
        };
        let mut capabilities: Vec<_> = interfaces
            .imports
            .iter()
            .filter_map(|name| Capability::of(name))
            .collect();
        capabilities.sort_unstable();
        capabilities.dedup();
        let (parts, producers) = match kind {
            Kind::Component | Kind::WitPackage | Kind::CoreModule | Kind::Truncated => {
                parts::read(bytes)
            }
            _ => Default::default(),
        };
        Self {
            interfaces: interfaces.shortened(),
            is_asynchronous: kind == Kind::Component && is_asynchronous(bytes),
            is_debug_build: is_debug_build(bytes),
            capabilities,
            parts,
            producers,
            ..Self::bare(kind, bytes)
        }
    }

    /// What is known before anything is read.
    fn bare(kind: Kind, bytes: &[u8]) -> Self {
        Self {
            kind,
            bytes: bytes.len(),
            too_large: None,
            interfaces: Interfaces::default(),
            is_asynchronous: false,
            is_debug_build: false,
            capabilities: Vec::new(),
            parts: Vec::new(),
            producers: Vec::new(),
        }
    }

    /// The interfaces of a component or a WIT package as WIT text that
    /// wit-parser reads back; `plugin` is how an error calls it. wit-parser
    /// panics at some components; that is caught and becomes an error.
    ///
    /// # Errors
    /// [`Error::NoWit`] for bytes whose interfaces no WIT describes, and
    /// [`Error::TooLarge`] for what is too large to be read.
    pub fn wit(plugin: &str, bytes: &[u8]) -> Result<String> {
        bounds::check(plugin, bytes)?;
        wit::print(plugin, bytes)
    }
}
