//! Decides which files of a folder are sources: all except hidden files,
//! generated files and components.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The maximum number of files and folders in one project.
const MAX_ENTRIES: usize = 20_000;

/// Files and folders that tools generate.
const GENERATED: [&str; 6] = [
    "target",
    "node_modules",
    "__pycache__",
    "kumiki.d.ts",
    // For editors; builds use their own.
    "go.work",
    "go.work.sum",
];

/// Whether `path`, which is below `folder`, may be a source.
pub fn may_be_source(folder: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(folder).unwrap_or(path);
    below.components().all(|part| is_source(part.as_os_str()))
}

/// Lists `folder` and all folders below it that may have sources. Symbolic
/// links to folders are not followed.
///
/// # Errors
/// A folder cannot be read, or there are too many files and folders.
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

/// Lists the sources below `folder`, sorted, as paths relative to it.
pub(crate) fn sources(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    walk(folder, |path, kind| {
        match kind {
            Kind::Folder => {}
            Kind::File => found.push(path.to_owned()),
            // Skipping it would miss changes behind the link.
            Kind::LinkedFolder => {
                let why = "symbolic links to folders are not followed; replace the link with \
                           the folder, or remove it";
                let path = folder.join(path);
                return Err(Error::io("read", &path)(io::Error::other(why)));
            }
        }
        Ok(())
    })?;
    found.sort();
    Ok(found)
}

/// The kind of a folder's entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    /// A symbolic link to a folder.
    LinkedFolder,
    /// Anything else, including links to files.
    File,
}

/// Calls `each` with every entry below `folder` that may be a source, as a path
/// relative to `folder`. Links to folders are not followed, so the walk
/// terminates.
fn walk(
    folder: &Path,
    mut each: impl FnMut(&Path, Kind) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut pending = vec![PathBuf::new()];
    let mut count = 0;
    while let Some(below) = pending.pop() {
        let here = folder.join(&below);
        for entry in fs::read_dir(&here).map_err(Error::io("read", &here))? {
            let entry = entry.map_err(Error::io("read", &here))?;
            count += 1;
            if count > MAX_ENTRIES {
                let why = format!("more than {MAX_ENTRIES} files and folders");
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
                pending.push(path);
            }
        }
    }
    Ok(())
}

/// Whether a file or folder with this name is a source or may contain sources.
fn is_source(name: &OsStr) -> bool {
    // A component may be written next to its sources. If it counted as one,
    // every build would look like a change.
    let is_generated = GENERATED.iter().any(|generated| name == *generated)
        || Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "wasm");
    !name.as_encoded_bytes().starts_with(b".") && !is_generated
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
    fn too_many_files_are_refused() {
        let scene = tempfile::tempdir().unwrap();
        for number in 0..MAX_ENTRIES {
            fs::File::create(scene.path().join(number.to_string())).unwrap();
        }
        assert_eq!(sources(scene.path()).unwrap().len(), MAX_ENTRIES);
        fs::File::create(scene.path().join("more")).unwrap();
        sources(scene.path()).unwrap_err();
    }
}
