//! Remembered answers: a grants file in the user's settings folder, with the grants
//! that the user always allows a component, by its hash. An updated component has
//! another hash, so the user is asked again.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kumiki::{Grants, GrantsFile, PluginName};
use kumiki_pipeline::Folder;

use crate::failure::Failure;
use crate::folders;
use crate::grants::grant_failure;

const HEAD: &str = "\
# Grants that plugins always have, by the BLAKE3 hash of the plugin's file.
# Remove a table to be asked again for its plugin.

";

/// The file of remembered answers.
pub(crate) struct Allowed {
    path: Option<PathBuf>,
    file: GrantsFile,
}

impl Allowed {
    /// Reads this user's file, if it exists.
    pub(crate) fn read() -> Result<Self, Failure> {
        Self::at(folders::config().map(|folder| folder.join("allowed.toml")))
    }

    fn at(path: Option<PathBuf>) -> Result<Self, Failure> {
        let file = match &path {
            Some(path) if path.exists() => GrantsFile::read(path).map_err(grant_failure)?,
            _ => GrantsFile::default(),
        };
        Ok(Self { path, file })
    }

    /// Returns the grants of the component in `bytes`. Earlier versions named it by the
    /// hash without a prefix, which is read as a file name.
    pub(crate) fn of(&self, bytes: &[u8]) -> Grants {
        let hash = blake3::hash(bytes).to_string();
        self.file.grants_of_component(hash, bytes)
    }

    /// Saves the grants of the component in `bytes`.
    pub(crate) fn keep(&mut self, bytes: &[u8], grants: &Grants) -> io::Result<()> {
        let path = self.path.as_deref().ok_or_else(|| {
            io::Error::other("there is no home folder; set XDG_CONFIG_HOME to a folder")
        })?;
        let name = PluginName::of_bytes(bytes);
        let file = self.file.clone().with_plugin(name, grants);
        replace(path, &file)?;
        self.file = file;
        Ok(())
    }
}

/// Checks that the text parses to the same grants, writes it to a temporary file in
/// the same folder, and renames that.
fn replace(path: &Path, file: &GrantsFile) -> io::Result<()> {
    let text = format!("{HEAD}{file}");
    if GrantsFile::parse(path, &text).ok().as_ref() != Some(file) {
        return Err(io::Error::other(
            "a folder's path cannot be written in a grants file",
        ));
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let (folder, name) = Folder::of(path)?;
    let mut temporary = name.clone();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let mut temporary_file = folder.create(&temporary)?;
    temporary_file.write_all(text.as_bytes())?;
    folder.rename(&temporary_file, &temporary, &name)
}

#[cfg(test)]
mod tests {
    use kumiki::FolderGrant;

    use super::*;

    #[test]
    fn remembered_grants_are_stored_by_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/allowed.toml");
        let mut allowed = Allowed::at(Some(path.clone())).unwrap();
        let grants = |host: &str| {
            Grants::default().with_folder(FolderGrant::read_only(folder.path().join(host), "/a"))
        };
        allowed.keep(b"one", &grants("one")).unwrap();
        allowed.keep(b"two", &grants("two")).unwrap();
        let read = Allowed::at(Some(path.clone())).unwrap();
        for allowed in [&allowed, &read] {
            assert_eq!(allowed.of(b"one"), grants("one"));
            assert_eq!(allowed.of(b"two"), grants("two"));
            assert_eq!(allowed.of(b"three"), Grants::default());
        }
        let written = fs::read_to_string(&path).unwrap();
        let table = format!("[plugin.\"blake3:{}\"]", blake3::hash(b"one"));
        assert!(written.contains(&table), "{written}");
        let error = allowed.keep(b"three", &grants("a::b")).unwrap_err();
        assert!(error.to_string().contains("path"), "{error}");
        assert_eq!(allowed.of(b"three"), Grants::default());
        let files = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(files, 1, "a temporary file is left");

        let earlier = written.replace("blake3:", "");
        fs::write(&path, earlier).unwrap();
        let read = Allowed::at(Some(path)).unwrap();
        assert_eq!(read.of(b"one"), grants("one"));
    }
}
