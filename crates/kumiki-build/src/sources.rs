//! Which files of a folder are sources: all but what is hidden, what tools leave
//! behind, and components.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The most files and folders that one project has.
const MOST: usize = 20_000;

/// Made from sources, not sources.
const MADE: [&str; 6] = [
    "target",
    "node_modules",
    "__pycache__",
    "kumiki.d.ts",
    // For editors; a build has its own.
    "go.work",
    "go.work.sum",
];

/// Whether a change of `path`, which lies below `folder`, may be one of a source.
pub fn may_be_source(folder: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(folder).unwrap_or(path);
    below.components().all(|part| is_source(part.as_os_str()))
}

/// The folders below `folder` in which sources may be, itself among them. A
/// symbolic link to a folder is not followed.
///
/// # Errors
/// A folder that cannot be read; too many files and folders.
pub fn source_folders(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut folders = Vec::new();
    walk(folder, |path, kind| {
        if kind == Kind::Folder {
            folders.push(folder.join(path));
        }
        Ok(())
    })?;
    folders.insert(0, folder.to_owned());
    Ok(folders)
}

/// The sources below `folder`, in order and as seen from it.
pub(crate) fn sources(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    walk(folder, |path, kind| {
        match kind {
            Kind::Folder => {}
            Kind::File => found.push(path.to_owned()),
            // To pass it over would be to take no notice of changes behind it.
            Kind::LinkedFolder => {
                let why = "it is a symbolic link to a folder, which is not followed; put the \
                           folder in its place, or remove it";
                let path = folder.join(path);
                return Err(Error::io("read", &path)(io::Error::other(why)));
            }
        }
        Ok(())
    })?;
    found.sort();
    Ok(found)
}

/// What is below a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    /// A symbolic link to a folder.
    LinkedFolder,
    /// Anything else, and links to that.
    File,
}

/// Gives what may be a source below `folder` to `each`, as seen from `folder`.
/// Links to folders are not followed, so the walk has an end.
fn walk(
    folder: &Path,
    mut each: impl FnMut(&Path, Kind) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut open = vec![PathBuf::new()];
    let mut count = 0;
    while let Some(below) = open.pop() {
        let here = folder.join(&below);
        for entry in fs::read_dir(&here).map_err(Error::io("read", &here))? {
            let entry = entry.map_err(Error::io("read", &here))?;
            count += 1;
            if count > MOST {
                let why = format!("it has over {MOST} files and folders");
                return Err(Error::io("read", folder)(io::Error::other(why)));
            }
            let name = entry.file_name();
            if !is_source(&name) {
                continue;
            }
            let path = below.join(name);
            let kind = entry.file_type().map_err(Error::io("read", &here))?;
            let kind = match (kind.is_dir(), kind.is_symlink()) {
                (true, _) => Kind::Folder,
                (false, true) if folder.join(&path).is_dir() => Kind::LinkedFolder,
                (false, _) => Kind::File,
            };
            each(&path, kind)?;
            if kind == Kind::Folder {
                open.push(path);
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

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_to_folders_are_not_followed() {
        let scene = tempfile::tempdir().unwrap();
        let at = |name: &str| scene.path().join(name);
        fs::create_dir(at("in")).unwrap();
        fs::write(at("in/a.c"), "").unwrap();
        symlink("a.c", at("in/b.c")).unwrap();
        let names = ["in/a.c", "in/b.c"].map(PathBuf::from);
        assert_eq!(sources(scene.path()).unwrap(), names);

        symlink(".", at("loop")).unwrap();
        let error = sources(scene.path()).unwrap_err();
        assert!(error.to_string().ends_with("loop"), "{error}");
        let folders = source_folders(scene.path()).unwrap();
        assert_eq!(folders, [scene.path().to_owned(), at("in")]);
    }

    #[test]
    fn there_is_an_end_to_files() {
        let scene = tempfile::tempdir().unwrap();
        for number in 0..MOST {
            fs::File::create(scene.path().join(number.to_string())).unwrap();
        }
        assert_eq!(sources(scene.path()).unwrap().len(), MOST);
        fs::File::create(scene.path().join("more")).unwrap();
        sources(scene.path()).unwrap_err();
    }
}
