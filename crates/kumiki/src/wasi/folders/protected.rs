//! Files and folders that guests must not change.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::walk::{self, FolderId, ResolvedPath};
use crate::{FolderAccess, FolderGrant, Grants};

/// Files and folders that guests must not change: for example a program's caches and
/// settings, the plugins, and input files.
///
/// ```
/// use kumiki::{FolderGrant, Grants, Protected};
///
/// let own = Protected::new(["Cargo.toml", "src"])?;
/// let grants = Grants::default().with_folder(FolderGrant::read_write("src", "/data"));
/// assert_eq!(own.changed_by(&grants)?.map(|(index, _)| index), Some(1));
/// let grants = Grants::default().with_folder(FolderGrant::read_only("src", "/data"));
/// assert_eq!(own.changed_by(&grants)?, None);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Protected {
    /// The folders on the way to the paths, each with the index of the first such path.
    visited: HashMap<FolderId, usize>,
    /// The folders that the paths lead to.
    targets: HashMap<FolderId, usize>,
}

impl Protected {
    /// Resolves these paths. For a path that does not exist yet, the existing folders on the
    /// way to it are protected.
    ///
    /// # Errors
    /// When the system cannot resolve one of the paths.
    pub fn new<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> io::Result<Self> {
        let mut protected = Self::default();
        for (index, path) in paths.into_iter().enumerate() {
            let path = path.as_ref();
            let resolved = ResolvedPath::of(path).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            })?;
            for id in resolved.visited {
                protected.visited.entry(id).or_insert(index);
            }
            if let Some(id) = resolved.target {
                protected.targets.entry(id).or_insert(index);
            }
        }
        Ok(protected)
    }

    /// Returns the first read-write folder through which a guest could change one of the
    /// paths or where it leads, and the index of that path: the folder contains it, lies in
    /// it, or contains a symbolic link on the way to it.
    ///
    /// Folders are compared by device and inode, not by name. Hard links of protected files
    /// in granted folders are not detected.
    ///
    /// # Errors
    /// When a granted folder cannot be opened, or its parent folders cannot be read.
    pub fn changed_by<'a>(
        &self,
        grants: &'a Grants,
    ) -> io::Result<Option<(usize, &'a FolderGrant)>> {
        for folder in grants.folders() {
            if folder.access() != FolderAccess::ReadWrite {
                continue;
            }
            let opened = folder.folder().map_err(io::Error::other)?;
            let ancestors = walk::ancestors(&opened)?;
            let contains = ancestors.first().and_then(|id| self.visited.get(id));
            let lies_in = || ancestors.iter().find_map(|id| self.targets.get(id));
            if let Some(index) = contains.or_else(lies_in) {
                return Ok(Some((*index, folder)));
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
    fn writable_folders_that_affect_protected_paths_are_found() {
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
        for (granted, path, affects) in [
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
                assert_eq!(guest, affects.then_some("/w"), "{granted}: {path}");
            }
        }
        let own = Protected::new([at("cache"), at("in/deep")]).unwrap();
        for (granted, index) in [("cache/inner", 0), ("in", 1), (".", 0)] {
            let grants = Grants::default().with_folder(FolderGrant::read_write(at(granted), "/"));
            let found = own.changed_by(&grants).unwrap();
            assert_eq!(found.map(|(index, _)| index), Some(index), "{granted}");
        }
        assert_eq!(own.changed_by(&Grants::default()).unwrap(), None);
    }
}
