//! This user's folders, by the XDG Base Directory Specification.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The folder for files that can be recreated: `kumiki` in the user's cache folder.
pub(crate) fn cache() -> Option<PathBuf> {
    below("XDG_CACHE_HOME", ".cache")
}

/// The folder for settings: `kumiki` in the user's settings folder.
pub(crate) fn config() -> Option<PathBuf> {
    below("XDG_CONFIG_HOME", ".config")
}

/// An environment variable, unless it is unset or empty.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn below(name: &str, home: &str) -> Option<PathBuf> {
    // The specification demands that relative paths are ignored.
    let value = variable(name).map(PathBuf::from);
    let folder = match value.filter(|folder| folder.is_absolute()) {
        Some(folder) => folder,
        None => env::home_dir()?.join(home),
    };
    Some(folder.join("kumiki"))
}
