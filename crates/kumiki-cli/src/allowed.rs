//! What a person allowed a component once and for all: a file of grants in the
//! user's folder of settings, where each component goes by its hash. An update
//! of it is another component, and asks again.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kumiki::{Grants, GrantsFile, PluginName};
use kumiki_pipeline::Folder;

use crate::failure::Failure;
use crate::folders;
use crate::grants::grant_failure;

const HEAD: &str = "\
# What plugins were allowed for good, each by the BLAKE3 hash of its file.
# Take a table away, and its plugin asks again.

";

/// The file of what was allowed.
pub(crate) struct Allowed {
    path: Option<PathBuf>,
    file: GrantsFile,
}

impl Allowed {
    /// Reads this user's file, where there is one.
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

    /// What the component in `bytes` was allowed. Earlier versions kept it under
    /// the hash alone, which reads as the name of a file.
    pub(crate) fn of(&self, bytes: &[u8]) -> Grants {
        let hash = blake3::hash(bytes).to_string();
        self.file.grants_of_component(hash, bytes)
    }

    /// Keeps what it is allowed from now on.
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

/// Looks whether what is written reads the same, writes it beside the file, then
/// renames.
fn replace(path: &Path, file: &GrantsFile) -> io::Result<()> {
    let text = format!("{HEAD}{file}");
    if GrantsFile::parse(path, &text).ok().as_ref() != Some(file) {
        return Err(io::Error::other(
            "a folder's path holds what no file of grants can say",
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
    fn what_was_allowed_is_kept_by_hash() {
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
        assert_eq!(files, 1, "nothing temporary is left");

        let earlier = written.replace("blake3:", "");
        fs::write(&path, earlier).unwrap();
        let read = Allowed::at(Some(path)).unwrap();
        assert_eq!(read.of(b"one"), grants("one"));
    }
}
