//! What can go wrong, one variant for each thing a caller may treat apart.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::unknown_import::UnknownImport;

/// A toolchain, or a part of one, that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is missing, as a lower-case fact.
    pub what: String,
    /// The command that gets it.
    pub hint: String,
    /// The Debian packages that bring it, where that is the way.
    pub packages: &'static [&'static str],
}

impl Missing {
    /// To be had by the command `hint`.
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: hint.into(),
            packages: &[],
        }
    }

    /// To be had with these Debian packages.
    pub(crate) fn debian(what: impl Into<String>, packages: &'static [&'static str]) -> Self {
        let hint = format!("apt-get install {}", packages.join(" "));
        Self {
            what: what.into(),
            hint,
            packages,
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Why a plugin was not built.
///
/// Its text is the fact; [`Error::hint`] is what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A `kumiki.toml` says something that is not accepted.
    #[error("{}{}: {message}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Project {
        /// The `kumiki.toml`.
        path: PathBuf,
        /// The line at fault, counted from one, where it is known.
        line: Option<usize>,
        /// What is wrong and what is accepted.
        message: String,
    },

    /// A new project cannot have this name.
    #[error("name `{name}` is not accepted")]
    Name {
        /// The name.
        name: String,
    },

    /// A new project's folder is taken.
    #[error("`{}` is there already", path.display())]
    Exists {
        /// The folder, which is not empty, or a file.
        path: PathBuf,
    },

    /// A toolchain is not there.
    #[error("{0}")]
    Missing(Missing),

    /// A compiler, or another program, ended with an error of its own.
    #[error("`{program}` failed ({status})\n{}", output.trim_end())]
    Failed {
        /// What was run.
        program: String,
        /// How it ended.
        status: String,
        /// All that it said, standard output first.
        output: String,
    },

    /// The WIT cannot be used.
    #[error("{}: {message}", path.display())]
    Wit {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },

    /// A JavaScript module imports what its world does not have.
    #[error("{0}")]
    Import(UnknownImport),

    /// No source to begin with can be made for a world.
    #[error("no source to begin with can be made for this world: {0}")]
    Skeleton(String),

    /// The compiler's module does not make a component.
    #[error("{}: the module does not make a component: {message}", path.display())]
    Component {
        /// The project's folder or the module.
        path: PathBuf,
        /// Why not.
        message: String,
    },

    /// A file or folder could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, such as `read`.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl Error {
    /// What mends it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Missing(missing) => Some(missing.hint.clone()),
            Error::Project { .. } => Some(
                "a kumiki.toml has `name`, `language`, `wit`, `world` and, if need be, `[build]` and `[requests]`"
                    .to_owned(),
            ),
            Error::Component { .. } => Some(
                "the code must export all that the world of the kumiki.toml exports, and import \
                 nothing else"
                    .to_owned(),
            ),
            Error::Name { .. } => Some(
                "lower-case letters, digits and hyphens accepted, a letter first, as in `text-tidy`"
                    .to_owned(),
            ),
            Error::Exists { .. } => Some(
                "nothing is overwritten: choose another name, or move what is there away"
                    .to_owned(),
            ),
            Error::Import(import) => Some(import.hint()),
            Error::Skeleton(_) => Some(
                "choose another language, or begin with `kumiki new` without `--wit` and put your \
                 WIT in its place"
                    .to_owned(),
            ),
            Error::Failed { .. } | Error::Wit { .. } | Error::Io { .. } => None,
        }
    }

    /// What is missing, when that is why.
    pub fn missing(&self) -> Option<&Missing> {
        match self {
            Error::Missing(missing) => Some(missing),
            _ => None,
        }
    }

    /// For `map_err`: a failed `action` (such as `read`) on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Error::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        Error::Missing(missing)
    }
}
