//! Where this user's own files lie, by the standard of XDG.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// Of what can be made again: `kumiki` in the user's cache folder.
pub(crate) fn cache() -> Option<PathBuf> {
    below("XDG_CACHE_HOME", ".cache")
}

/// Of what the user has said: `kumiki` in the user's folder of settings.
pub(crate) fn config() -> Option<PathBuf> {
    below("XDG_CONFIG_HOME", ".config")
}

/// A variable of the environment that says something.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn below(name: &str, home: &str) -> Option<PathBuf> {
    // The standard has it that a relative path there means nothing.
    let said = variable(name).map(PathBuf::from);
    let folder = match said.filter(|folder| folder.is_absolute()) {
        Some(folder) => folder,
        None => env::home_dir()?.join(home),
    };
    Some(folder.join("kumiki"))
}
