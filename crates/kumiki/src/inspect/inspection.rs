//! The [`Inspection`] of a file, without running it.

use super::debug_build::is_debug_build;
use super::{Capability, Interfaces, Kind, Part, Producer, bounds, is_asynchronous, parts, wit};
use crate::{Error, Result};

/// A file's kind, parts, interfaces and capabilities.
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
    /// The kind of file.
    pub kind: Kind,
    /// Its size in bytes.
    pub bytes: usize,
    /// The limit that the file exceeds, such as `101 levels of nested components, over
    /// the limit of 100`, if it has too many parts to be a plugin. In that case it is not
    /// read further: interfaces, capabilities, parts and producers are empty.
    pub too_large: Option<String>,
    /// Its imports and exports, each name truncated to 200 bytes; empty if the file is
    /// neither a component, a WIT package nor a core module.
    pub interfaces: Interfaces,
    /// Whether it needs the asynchronous calls of WASI 0.3.
    pub is_asynchronous: bool,
    /// Whether it contains Rust code that checks arithmetic for overflow, as debug
    /// builds do.
    pub is_debug_build: bool,
    /// The capabilities of its imports, without duplicates.
    pub capabilities: Vec<Capability>,
    /// Its parts with their sizes in bytes, largest first; the sum is `bytes`. Empty if
    /// the file is not WebAssembly.
    pub parts: Vec<(Part, usize)>,
    /// The languages and tools that the file names as its producers, without duplicates;
    /// at most 100, with texts truncated to 200 bytes.
    pub producers: Vec<Producer>,
}

impl Inspection {
    /// Inspects a file of any kind. Parts that cannot be read are omitted. The time is
    /// linear in the file's size: a file that would take longer is not read further, and
    /// [`Inspection::too_large`] is set.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let kind = Kind::of(bytes);
        if let Err(Error::TooLarge {
            what, found, most, ..
        }) = bounds::check("", bytes)
        {
            return Self {
                too_large: Some(format!("{found} {what}, over the limit of {most}")),
                ..Self::empty(kind, bytes)
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
            interfaces: interfaces.truncated(),
            is_asynchronous: kind == Kind::Component && is_asynchronous(bytes),
            is_debug_build: is_debug_build(bytes),
            capabilities,
            parts,
            producers,
            ..Self::empty(kind, bytes)
        }
    }

    /// Returns an inspection with only the kind and the size.
    fn empty(kind: Kind, bytes: &[u8]) -> Self {
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

    /// Returns the interfaces of a component or a WIT package as WIT text that
    /// wit-parser accepts; `plugin` is its name in errors. A panic of wit-parser, which
    /// some components cause, is caught and becomes an error.
    ///
    /// # Errors
    /// [`Error::NoWit`] if WIT cannot express the interfaces, and [`Error::TooLarge`] if
    /// the file has too many parts to be read.
    pub fn wit(plugin: &str, bytes: &[u8]) -> Result<String> {
        bounds::check(plugin, bytes)?;
        wit::print(plugin, bytes)
    }
}
