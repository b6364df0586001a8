//! An import of the contract that the world does not have, and what was meant.

use std::fmt;
use std::path::PathBuf;

/// An import in JavaScript that the project's world does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownImport {
    /// The file that imports it.
    pub path: PathBuf,
    /// The line in it, counted from one.
    pub line: usize,
    /// What is not there: `a:b/c`, or the name of a function or type.
    pub name: String,
    /// The interface that has no such name, or else the world has no such
    /// interface.
    pub interface: Option<String>,
    /// What there is: the nearest alone where one is near, else all.
    pub known: Vec<String>,
}

impl UnknownImport {
    /// What to write instead.
    pub fn hint(&self) -> String {
        match &self.known[..] {
            [] => "the world of the kumiki.toml imports nothing".to_owned(),
            [nearest] => format!("write `{nearest}`"),
            known => format!("there are `{}`", known.join("`, `")),
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
            None => write!(f, "the world imports no `{name}`"),
        }
    }
}
