//! Error types of this crate.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::unknown_import::UnknownImport;

/// A toolchain, or a part of one, that is not installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is missing, as a lower-case phrase.
    pub what: String,
    /// The command that installs it.
    pub hint: String,
    /// The Debian packages that contain it; empty if it is not installed from
    /// Debian.
    pub packages: &'static [&'static str],
}

impl Missing {
    /// Something that the command `hint` installs.
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: hint.into(),
            packages: &[],
        }
    }

    /// Something that these Debian packages install.
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
/// The display text says what failed; [`Error::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A `kumiki.toml` is invalid.
    #[error("{}{}: {message}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Project {
        /// The `kumiki.toml`.
        path: PathBuf,
        /// The line of the error, counted from one, if known.
        line: Option<usize>,
        /// What is wrong, and what is expected.
        message: String,
        /// How to fix it, if more is known than which keys there are.
        hint: Option<String>,
    },

    /// The name of a new project is invalid.
    #[error("invalid plugin name `{name}`")]
    Name {
        /// The name.
        name: String,
    },

    /// The folder of a new project already exists.
    #[error("`{}` already exists", path.display())]
    Exists {
        /// The path of a file or of a folder that is not empty.
        path: PathBuf,
    },

    /// A toolchain is not installed.
    #[error("{0}")]
    Missing(Missing),

    /// A compiler or another program failed.
    #[error("`{program}` failed ({status})\n{}", output.trim_end())]
    Failed {
        /// The program.
        program: String,
        /// Its exit status.
        status: String,
        /// Its complete output, standard output first.
        output: String,
    },

    /// The WIT is invalid or cannot be read.
    #[error("{}: {message}", path.display())]
    Wit {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },

    /// The WIT has a mistake at a known place.
    #[error("{place}: {message}")]
    WitMistake {
        /// The file, line and column, as `FILE:LINE:COLUMN`.
        place: String,
        /// What is wrong there.
        message: String,
        /// How to fix it.
        hint: String,
    },

    /// The WIT does not have the wanted world, or has several and none was named.
    #[error("{}", no_world(path, wanted.as_deref(), worlds))]
    World {
        /// The folder or file.
        path: PathBuf,
        /// The world that was named.
        wanted: Option<String>,
        /// The worlds there are.
        worlds: Vec<String>,
    },

    /// A JavaScript module imports something that its world does not have.
    #[error("{0}")]
    Import(UnknownImport),

    /// A JavaScript module has a mistake, or throws an error while it is loaded.
    #[error("{place}: {message}")]
    Module {
        /// The file, and the line and column if they are known, as `FILE:LINE:COLUMN`.
        place: String,
        /// The error and its message, and the stack if there is one.
        message: String,
    },

    /// No skeleton can be generated for a world.
    #[error("cannot generate a source skeleton for this world: {0}")]
    Skeleton(String),

    /// The module that the compiler produced cannot be converted to a
    /// component.
    #[error("{}: cannot convert the module to a component: {message}", path.display())]
    Component {
        /// The project's folder or the module.
        path: PathBuf,
        /// The reason.
        message: String,
    },

    /// A file or folder could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The action that failed, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The underlying error.
        source: io::Error,
    },
}

impl Error {
    /// How to fix it, if known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Missing(missing) => Some(missing.hint.clone()),
            Error::Project {
                hint: Some(hint), ..
            } => Some(hint.clone()),
            Error::Project { .. } => Some(
                "use the keys `name`, `language`, `wit` and `world` and, optionally, the tables `[build]` and `[requests]`"
                    .to_owned(),
            ),
            Error::Component { .. } => Some(
                "export everything that the world in kumiki.toml exports, and import only what it \
                 imports"
                    .to_owned(),
            ),
            Error::Name { .. } => Some(
                "use lower-case letters, digits and hyphens, starting with a letter, as in `text-tidy`"
                    .to_owned(),
            ),
            Error::Exists { .. } => Some(
                "choose another name, or move the existing file or folder away"
                    .to_owned(),
            ),
            Error::Import(import) => Some(import.hint()),
            Error::WitMistake { hint, .. } => Some(hint.clone()),
            Error::World { wanted, worlds, .. } => Some(match (&wanted, &worlds[..]) {
                (_, []) => "add a world to the WIT".to_owned(),
                (None, [first, ..]) => format!("choose one with `--world {first}`"),
                (Some(_), worlds) => format!("use one of its worlds: {}", quoted(worlds)),
            }),
            Error::Skeleton(_) => Some(
                "choose another language, or run `kumiki new` without `--wit` and replace its WIT \
                 with yours"
                    .to_owned(),
            ),
            Error::Io { path, source, .. }
                if source.kind() == io::ErrorKind::NotFound && path.ends_with("kumiki.toml") =>
            {
                Some("name the folder of a plugin's project, or create one with `kumiki new`".into())
            }
            Error::Failed { .. } | Error::Module { .. } | Error::Wit { .. } | Error::Io { .. } => None,
        }
    }

    /// The missing toolchain or tool, if that is the reason.
    pub fn missing(&self) -> Option<&Missing> {
        match self {
            Error::Missing(missing) => Some(missing),
            _ => None,
        }
    }

    /// Names the tool that failed, where its program is a runtime such as
    /// Python or Node.
    pub(crate) fn by(self, tool: &str) -> Self {
        match self {
            Error::Failed { status, output, .. } => Error::Failed {
                program: tool.to_owned(),
                status,
                output,
            },
            other => other,
        }
    }

    /// Returns a closure for `map_err` that reports a failed `action`, such as
    /// `read`, on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Error::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

fn no_world(path: &Path, wanted: Option<&str>, worlds: &[String]) -> String {
    let path = path.display();
    match (wanted, worlds) {
        (None, []) => format!("{path} has no world"),
        (None, worlds) => format!("{path} has several worlds: {}", quoted(worlds)),
        (Some(wanted), _) => format!("{path} has no world `{wanted}`"),
    }
}

fn quoted(names: &[String]) -> String {
    format!("`{}`", names.join("`, `"))
}

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        Error::Missing(missing)
    }
}
