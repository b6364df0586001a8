//! Which files of a folder are sources: all but what is hidden, what tools leave
//! behind, and components.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Made from sources, not sources.
const MADE: [&str; 4] = ["target", "node_modules", "__pycache__", "kumiki.d.ts"];

/// Whether a change of `path`, which lies below `folder`, may be one of a source.
pub fn may_be_source(folder: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(folder).unwrap_or(path);
    below.components().all(|part| is_source(part.as_os_str()))
}

/// The folders below `folder` in which sources may be, itself among them.
///
/// # Errors
/// A folder that cannot be read.
pub fn source_folders(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut folders = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        if entry.path().is_dir() && is_source(&entry.file_name()) {
            folders.extend(source_folders(&entry.path())?);
        }
    }
    Ok(folders)
}

/// The sources below `folder`, in order and as seen from it.
pub(crate) fn sources(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    collect(folder, Path::new(""), &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, below: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let here = folder.join(below);
    for entry in fs::read_dir(&here).map_err(Error::io("read", &here))? {
        let name = entry.map_err(Error::io("read", &here))?.file_name();
        if is_source(&name) {
            let path = below.join(name);
            if folder.join(&path).is_dir() {
                collect(folder, &path, found)?;
            } else {
                found.push(path);
            }
        }
    }
    Ok(())
}

/// Whether a file or folder of this name is a source, or has sources in it.
fn is_source(name: &OsStr) -> bool {
    // A component may be put beside its sources; as one of them it would make
    // every next build look like a change.
    let is_made = MADE.iter().any(|made| name == *made)
        || Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "wasm");
    !name.as_encoded_bytes().starts_with(b".") && !is_made
}
