//! A folder for files that Kumiki writes where a plugin may write as well.
//!
//! The folder is opened once, before any plugin runs. Files are created and
//! renamed in it by their bare names. Symbolic links, hard links and pipes under
//! such a name are neither followed nor written through.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Component, Path};
use std::sync::Arc;

#[cfg(unix)]
use cap_fs_ext::OpenOptionsSyncExt;
use cap_fs_ext::{DirExt as _, FollowSymlinks, MetadataExt, OpenOptionsFollowExt};
use cap_std::ambient_authority;
#[cfg(unix)]
use cap_std::fs::PermissionsExt;
use cap_std::fs::{Dir, Metadata, OpenOptions, Permissions};

/// A folder that is held open. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Folder {
    dir: Arc<Dir>,
}

impl Folder {
    /// Opens the folder of the file `path`. Returns it with the name of the file.
    ///
    /// # Errors
    /// I/O errors, and an error if the path does not end in a name.
    pub fn of(path: &Path) -> io::Result<(Self, OsString)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let parent = match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => return Err(io::ErrorKind::InvalidFilename.into()),
        };
        let dir = Dir::open_ambient_dir(parent, ambient_authority())?;
        let dir = Arc::new(dir);
        Ok((Self { dir }, name.to_owned()))
    }

    /// Opens a folder, and creates it if necessary.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn open_or_create(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self { dir: Arc::new(dir) })
    }

    /// Opens a folder below this one, and creates it if necessary. Symbolic links are not
    /// followed.
    ///
    /// # Errors
    /// I/O errors, and an error if the path has other parts than names.
    pub(crate) fn below(&self, path: &Path) -> io::Result<Self> {
        let mut dir = self.dir.clone();
        for part in path.components() {
            let Component::Normal(name) = part else {
                return Err(io::ErrorKind::InvalidFilename.into());
            };
            match dir.create_dir(name) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => dir = Arc::new(dir.open_dir_nofollow(name)?),
            }
        }
        Ok(Self { dir })
    }

    /// Whether the folder has an entry of this name, a dangling link included.
    #[must_use]
    pub fn has(&self, name: &OsStr) -> bool {
        self.dir.symlink_metadata(name).is_ok()
    }

    /// Whether the entry of this name is a regular file without content.
    #[must_use]
    pub fn is_empty_file(&self, name: &OsStr) -> bool {
        let metadata = self.dir.symlink_metadata(name);
        metadata.is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
    }

    /// The kind of the entry of this name, if it is not a regular file. A file must
    /// not replace a link, a folder, a device, a pipe or a socket.
    ///
    /// # Errors
    /// I/O errors.
    pub fn special(&self, name: &OsStr) -> io::Result<Option<&'static str>> {
        let kind = match self.dir.symlink_metadata(name) {
            Ok(metadata) => metadata.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(match kind {
            kind if kind.is_file() => None,
            kind if kind.is_symlink() => Some("a symbolic link"),
            kind if kind.is_dir() => Some("a folder"),
            _ => Some("a device, a pipe or a socket"),
        })
    }

    /// Creates a file for writing. An entry of that name is removed first.
    ///
    /// # Errors
    /// I/O errors; `AlreadyExists` when another process creates the
    /// file at the same moment, or when the name belongs to a folder.
    pub fn create(&self, name: &OsStr) -> io::Result<File> {
        self.remove(name)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        options.follow(FollowSymlinks::No);
        Ok(self.dir.open_with(name, &options)?.into_std())
    }

    /// Creates a file that is to replace the regular file `replaced`, with the
    /// permissions of that file if there is one. Its owner can read and write it.
    ///
    /// # Errors
    /// As [`Folder::create`].
    pub fn create_for(&self, name: &OsStr, replaced: &OsStr) -> io::Result<File> {
        let permissions = match self.dir.symlink_metadata(replaced) {
            Ok(metadata) if metadata.is_file() => Some(metadata.permissions()),
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let file = self.create(name)?;
        match permissions {
            Some(permissions) => set_permissions(file, permissions),
            None => Ok(file),
        }
    }

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// I/O errors, and an error if it is not a regular file or has another hard
    /// link.
    pub fn open(&self, name: &OsStr) -> io::Result<File> {
        let refused = |why: &str| io::Error::other(format!("it is {why}, and is not opened"));
        if !self.dir.symlink_metadata(name)?.is_file() {
            return Err(refused("a link, a folder or a device"));
        }
        let file = self.open_without_blocking(name)?;
        let metadata = Metadata::from_file(&file)?;
        match (metadata.is_file(), metadata.nlink()) {
            (true, 1) => Ok(file),
            (true, _) => Err(refused("a hard link")),
            (false, _) => Err(refused("a link, a folder or a device")),
        }
    }

    /// Opens the entry of this name, unless it is a link. Opening a pipe does not block.
    fn open_without_blocking(&self, name: &OsStr) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).follow(FollowSymlinks::No);
        #[cfg(unix)]
        options.nonblock(true);
        Ok(self.dir.open_with(name, &options)?.into_std())
    }

    /// Renames a file from [`Folder::create`] or [`Folder::open`]. An entry with
    /// the new name is replaced.
    ///
    /// # Errors
    /// I/O errors, and an error if `from` is now the name of another file.
    pub fn rename(&self, file: &File, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let now = self.dir.symlink_metadata(from)?;
        let file = Metadata::from_file(file)?;
        if (now.dev(), now.ino()) != (file.dev(), file.ino()) || !now.is_file() {
            return Err(io::Error::other(format!(
                "`{}` was replaced by another file while it was written",
                from.display()
            )));
        }
        self.dir.rename(from, &self.dir, to)
    }

    /// Removes a file or a link, if there is one of this name.
    ///
    /// # Errors
    /// I/O errors.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        match self.dir.remove_file(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Gives a file these permissions, without the bits that run it as another user.
#[cfg(unix)]
fn set_permissions(file: File, mut permissions: Permissions) -> io::Result<File> {
    permissions.set_mode(permissions.mode() & 0o777 | 0o600);
    let file = cap_std::fs::File::from_std(file);
    file.set_permissions(permissions)?;
    Ok(file.into_std())
}

/// Permissions are inherited from the folder.
#[cfg(not(unix))]
fn set_permissions(file: File, _: Permissions) -> io::Result<File> {
    Ok(file)
}

/// The number of a file on its device, which stays when the file is renamed.
///
/// # Errors
/// I/O errors.
pub(crate) fn file_number(file: &File) -> io::Result<u64> {
    Ok(Metadata::from_file(file)?.ino())
}

/// A name with `suffix` appended.
pub(crate) fn with_suffix(name: &OsStr, suffix: &str) -> OsString {
    let mut name = name.to_owned();
    name.push(suffix);
    name
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    /// A folder, with the file `outside` next to it.
    fn scene() -> (tempfile::TempDir, Folder) {
        let scene = tempfile::tempdir().unwrap();
        fs::create_dir(scene.path().join("in")).unwrap();
        fs::write(scene.path().join("outside"), "untouched").unwrap();
        let (folder, name) = Folder::of(&scene.path().join("in/name")).unwrap();
        assert_eq!(name, "name");
        (scene, folder)
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_written_through() {
        let (scene, folder) = scene();
        let (inside, outside) = (scene.path().join("in/name"), scene.path().join("outside"));
        let plant: [fn(&Path, &Path) -> io::Result<()>; 3] = [
            |outside, inside| std::os::unix::fs::symlink(outside, inside),
            |outside, inside| fs::hard_link(outside, inside),
            |_, inside| std::os::unix::fs::symlink("nowhere", inside),
        ];
        let name = OsStr::new("name");
        for plant in plant {
            plant(&outside, &inside).unwrap();
            assert!(folder.has(name));
            assert!(folder.open(name).is_err());
            let mut file = folder.create(name).unwrap();
            file.write_all(b"ours").unwrap();
            assert_eq!(fs::read(&inside).unwrap(), b"ours");
            assert!(folder.open(name).is_ok());

            // Planted after the file was created.
            fs::remove_file(&inside).unwrap();
            plant(&outside, &inside).unwrap();
            assert!(folder.rename(&file, name, OsStr::new("whole")).is_err());
            assert!(!folder.has(OsStr::new("whole")));
            fs::remove_file(&inside).unwrap();
        }
        assert_eq!(fs::read(&outside).unwrap(), b"untouched");
    }

    #[cfg(unix)]
    #[test]
    fn renaming_replaces_a_link_at_the_target() {
        let (scene, folder) = scene();
        let whole = scene.path().join("in/whole");
        std::os::unix::fs::symlink("../outside", &whole).unwrap();
        let mut file = folder.create(OsStr::new("name")).unwrap();
        file.write_all(b"ours").unwrap();
        let renamed = folder.rename(&file, OsStr::new("name"), OsStr::new("whole"));
        renamed.unwrap();
        assert!(fs::symlink_metadata(&whole).unwrap().is_file());
        assert_eq!(fs::read(&whole).unwrap(), b"ours");
        let outside = fs::read(scene.path().join("outside")).unwrap();
        assert_eq!(outside, b"untouched");
    }

    #[cfg(unix)]
    #[test]
    fn new_file_keeps_the_permissions_of_the_replaced_file() {
        use std::os::unix::fs::PermissionsExt as _;

        let (scene, folder) = scene();
        let (name, whole) = (OsStr::new("name"), OsStr::new("whole"));
        let mode = |name: &str| {
            let metadata = fs::metadata(scene.path().join("in").join(name)).unwrap();
            metadata.permissions().mode() & 0o7777
        };
        folder.create_for(name, whole).unwrap();
        let usual = mode("name");
        for (before, after) in [
            (0o600, 0o600),
            (0o640, 0o640),
            (0o444, 0o644),
            (0o4755, 0o755),
        ] {
            folder.create(whole).unwrap();
            let path = scene.path().join("in/whole");
            fs::set_permissions(path, fs::Permissions::from_mode(before)).unwrap();
            let file = folder.create_for(name, whole).unwrap();
            assert_eq!(mode("name"), after, "{before:o}");
            folder.rename(&file, name, whole).unwrap();
            assert_eq!(mode("whole"), after, "{before:o}");
        }
        std::os::unix::fs::symlink("whole", scene.path().join("in/link")).unwrap();
        folder.create_for(name, OsStr::new("link")).unwrap();
        assert_eq!(mode("name"), usual);
    }

    #[cfg(unix)]
    #[test]
    fn only_a_regular_file_may_be_replaced() {
        let (scene, folder) = scene();
        let at = |name: &str| scene.path().join("in").join(name);
        fs::write(at("file"), "").unwrap();
        fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        for (name, expected) in [
            ("new", None),
            ("file", None),
            ("folder", Some("a folder")),
            ("link", Some("a symbolic link")),
            ("dangling", Some("a symbolic link")),
            ("socket", Some("a device, a pipe or a socket")),
        ] {
            let special = folder.special(OsStr::new(name)).unwrap();
            assert_eq!(special, expected, "{name}");
        }
        let (devices, name) = Folder::of(Path::new("/dev/null")).unwrap();
        assert_eq!(
            devices.special(&name).unwrap(),
            Some("a device, a pipe or a socket")
        );
    }

    /// A pipe may take the place of the file between the check and the opening.
    #[cfg(unix)]
    #[test]
    fn opening_a_pipe_does_not_block() {
        let (scene, folder) = scene();
        let (pipe, name) = (scene.path().join("in/name"), OsStr::new("name"));
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
        assert!(folder.open(name).is_err());
        if let Ok(file) = folder.open_without_blocking(name) {
            let flags = rustix::fs::fcntl_getfl(&file).unwrap();
            assert!(flags.contains(rustix::fs::OFlags::NONBLOCK));
        }
    }

    #[test]
    fn path_without_a_name_is_rejected() {
        for path in ["..", "/", ""] {
            assert!(Folder::of(Path::new(path)).is_err(), "{path}");
        }
        assert!(Folder::of(Path::new("name")).is_ok());
    }
}
