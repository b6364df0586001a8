//! Lists and loads the plugins in a folder.

use std::io;
use std::path::{Path, PathBuf};

use crate::{Config, TextHost, TextPlugin};

/// A plugin folder could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read plugin folder `{}`", folder.display())]
pub struct FolderError {
    /// The folder.
    pub folder: PathBuf,
    /// The error of the operating system.
    pub source: io::Error,
}

/// Lists the `.wasm` files directly in a folder, sorted by the bytes of their
/// names, so that the order is the same on every machine. Hidden files are skipped.
/// A folder without plugins gives an empty list, not an error.
///
/// # Errors
/// [`FolderError`] if the folder cannot be read.
pub fn plugin_files(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let hidden = path
                .file_name()
                .is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
            if path
                .extension()
                .is_some_and(|extension| extension == "wasm")
                && !hidden
            {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    };
    list().map_err(|source| FolderError {
        folder: folder.to_owned(),
        source,
    })
}

/// Loads the plugins of a folder, in the order of [`plugin_files`]. A plugin that
/// fails to load is listed with its error; the others are still loaded. `config`
/// returns the configuration of each plugin.
///
/// # Errors
/// [`FolderError`] if the folder itself cannot be read.
pub fn load_folder(
    host: &TextHost,
    folder: &Path,
    mut config: impl FnMut(&Path) -> Config,
) -> Result<Vec<(PathBuf, crate::Result<TextPlugin>)>, FolderError> {
    let load = |path: PathBuf| {
        let plugin = TextPlugin::load(host, &path, config(&path));
        (path, plugin)
    };
    Ok(plugin_files(folder)?.into_iter().map(load).collect())
}
