//! The files in the folders that a run reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The files of `paths`: files as they are, and those in folders and their subfolders, in
/// the order of their names. Hidden files, links and special files in folders are left out,
/// and so is the folder `output`.
pub(crate) fn input_files(paths: &[PathBuf], output: &Path) -> Result<InputFiles, Failure> {
    let mut found = InputFiles::default();
    let output = fs::canonicalize(output).ok();
    for path in paths {
        if !path.is_dir() {
            found.files.push(path.clone());
            continue;
        }
        add_folder(path, output.as_deref(), &mut found.files).map_err(|error| {
            let hint = "check that you can read the folder and its subfolders";
            Failure::path("folder", path, &error, hint)
        })?;
        found.folders.push(path.clone());
    }
    Ok(found)
}

/// What [`input_files`] found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct InputFiles {
    pub(crate) files: Vec<PathBuf>,
    /// The folders among the paths.
    pub(crate) folders: Vec<PathBuf>,
}

fn add_folder(folder: &Path, output: Option<&Path>, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if is_hidden {
            continue;
        }
        if kind.is_dir() {
            let is_output = output.is_some_and(|output| {
                fs::canonicalize(entry.path()).is_ok_and(|path| path == output)
            });
            if !is_output {
                add_folder(&entry.path(), output, files)?;
            }
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_replaced_by_their_files() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("in/b")).unwrap();
        fs::create_dir_all(path("in/out")).unwrap();
        for name in [
            "in/c.txt",
            "in/b/z.txt",
            "in/b/a.txt",
            "in/.hidden",
            "in/out/result",
            "one.txt",
        ] {
            fs::write(path(name), "").unwrap();
        }
        let found = input_files(
            &[path("one.txt"), path("in"), path("missing")],
            &path("in/out"),
        )
        .unwrap();
        let expected = ["one.txt", "in/b/a.txt", "in/b/z.txt", "in/c.txt", "missing"];
        assert_eq!(found.files, expected.map(path));
        assert_eq!(found.folders, [path("in")]);
    }

    #[cfg(unix)]
    #[test]
    fn links_in_folders_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/", root.path().join("link")).unwrap();
        let found = input_files(&[root.path().to_owned()], Path::new("out")).unwrap();
        assert_eq!(found.files, Vec::<PathBuf>::new());
    }
}
