//! Errors for imports that a world does not have.

use std::fmt;
use std::path::PathBuf;

/// A JavaScript import that the project's world does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownImport {
    /// The importing file.
    pub path: PathBuf,
    /// The line of the import, counted from one.
    pub line: usize,
    /// The unknown name: an interface such as `a:b/c`, or a function or type.
    pub name: String,
    /// The interface that lacks the name; `None` if the world lacks the
    /// interface.
    pub interface: Option<String>,
    /// Alternatives: the most similar name alone if one is similar enough,
    /// otherwise all names.
    pub known: Vec<String>,
}

impl UnknownImport {
    /// How to fix the import.
    pub fn hint(&self) -> String {
        match &self.known[..] {
            [] => "remove the import: the world in kumiki.toml imports nothing".to_owned(),
            [nearest] => format!("write `{nearest}`"),
            known => format!("use one of `{}`", known.join("`, `")),
        }
    }
}

impl fmt::Display for UnknownImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            name,
            interface,
            ..
        } = self;
        write!(f, "{}:{line}: ", path.display())?;
        match interface {
            Some(interface) => write!(f, "`{interface}` has no `{name}`"),
            None => write!(f, "the world does not import `{name}`"),
        }
    }
}
