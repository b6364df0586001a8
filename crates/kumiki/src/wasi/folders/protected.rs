//! Files and folders that no guest may change.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::walk::{self, FolderId, Way};
use crate::{FolderAccess, FolderGrant, Grants};

/// Files and folders that no guest may change: a program's caches and settings,
/// the plugins themselves, what is read while they run.
///
/// ```
/// use kumiki::{FolderGrant, Grants, Protected};
///
/// let own = Protected::new(["Cargo.toml", "src"])?;
/// let grants = Grants::default().with_folder(FolderGrant::read_write("src", "/data"));
/// assert_eq!(own.changed_by(&grants)?.map(|(place, _)| place), Some(1));
/// let grants = Grants::default().with_folder(FolderGrant::read_only("src", "/data"));
/// assert_eq!(own.changed_by(&grants)?, None);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Protected {
    /// The folders that the paths pass, with the place of the first such path.
    passed: HashMap<FolderId, usize>,
    /// The folders that they lead to.
    ends: HashMap<FolderId, usize>,
}

impl Protected {
    /// Looks where these paths lead. What is not there yet is protected as far
    /// as there is a folder on the way to it.
    ///
    /// # Errors
    /// What the system says of one of the paths.
    pub fn new<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> io::Result<Self> {
        let mut protected = Self::default();
        for (place, path) in paths.into_iter().enumerate() {
            let path = path.as_ref();
            let way = Way::of(path).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            })?;
            for id in way.folders {
                protected.passed.entry(id).or_insert(place);
            }
            if let Some(id) = way.end {
                protected.ends.entry(id).or_insert(place);
            }
        }
        Ok(protected)
    }

    /// The first folder to change by which a guest could change one of the
    /// paths, or which file it leads to, and the place of that path: the folder
    /// contains it, lies in it, or holds a symbolic link on the way to it.
    /// Folders are compared as the system knows them, whatever they are called.
    /// A file of a granted folder that has another name, by a hard link, is not
    /// found.
    ///
    /// # Errors
    /// What the system says, and for a granted folder that cannot be opened.
    pub fn changed_by<'a>(
        &self,
        grants: &'a Grants,
    ) -> io::Result<Option<(usize, &'a FolderGrant)>> {
        for folder in grants.folders() {
            if folder.access() != FolderAccess::ReadWrite {
                continue;
            }
            let opened = folder.folder().map_err(io::Error::other)?;
            let holders = walk::holders(&opened)?;
            let contains = holders.first().and_then(|id| self.passed.get(id));
            let lies_in = || holders.iter().find_map(|id| self.ends.get(id));
            if let Some(place) = contains.or_else(lies_in) {
                return Ok(Some((*place, folder)));
            }
        }
        Ok(None)
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_a_guest_could_change() {
        let scene = tempfile::tempdir().unwrap();
        let at = |name: &str| scene.path().join(name);
        for folder in ["cache/inner", "in/deep", "other"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("in/deep/file"), "").unwrap();
        for (target, name) in [
            ("../cache", "other/cache"),
            ("../in/deep/file", "other/file"),
            ("other", "to-other"),
        ] {
            symlink(target, at(name)).unwrap();
        }
        for (granted, path, could) in [
            ("cache", "cache", true),
            ("cache", "cache/inner", true),
            ("cache/inner", "cache", true),
            ("other/cache/inner", "cache", true),
            (".", "cache", true),
            ("in", "in/deep/file", true),
            ("in", "in/deep/new", true),
            ("in", "other/file", true),
            ("other", "other/file", true),
            ("other", "other/cache/inner", true),
            ("other/../in/deep", "to-other/file", true),
            ("to-other", "other", true),
            ("cache", "in/deep/file", false),
            ("cache", "other", false),
            ("cache/inner", "cache/new", false),
            ("in/deep", "in/new", false),
        ] {
            let protected = Protected::new([at(path)]).unwrap();
            let grants = Grants::default()
                .with_folder(FolderGrant::read_only(at("."), "/all"))
                .with_folder(FolderGrant::read_write(at(granted), "/w"));
            for grants in [grants.clone(), grants.opened().unwrap()] {
                let found = protected.changed_by(&grants).unwrap();
                let guest = found.map(|(_, folder)| folder.guest());
                assert_eq!(guest, could.then_some("/w"), "{granted}: {path}");
            }
        }
        let own = Protected::new([at("cache"), at("in/deep")]).unwrap();
        for (granted, place) in [("cache/inner", 0), ("in", 1), (".", 0)] {
            let grants = Grants::default().with_folder(FolderGrant::read_write(at(granted), "/"));
            let found = own.changed_by(&grants).unwrap();
            assert_eq!(found.map(|(place, _)| place), Some(place), "{granted}");
        }
        assert_eq!(own.changed_by(&Grants::default()).unwrap(), None);
    }
}
