//! Files that Kumiki writes into a folder that a plugin may be writing to as well.
//!
//! The folder is opened once, before any plugin runs, and files are made and
//! renamed in it by their bare names. Nothing that a plugin puts under such a name
//! is followed or written through: neither symbolic nor hard links, nor pipes.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

#[cfg(unix)]
use cap_fs_ext::OpenOptionsSyncExt;
use cap_fs_ext::{FollowSymlinks, MetadataExt, OpenOptionsFollowExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions};

/// A folder that is held open. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Folder {
    dir: Arc<Dir>,
}

impl Folder {
    /// The folder of a file, and the file's name in it.
    ///
    /// # Errors
    /// What the system says, and when the path ends in no name.
    pub(crate) fn of(path: &Path) -> io::Result<(Self, OsString)> {
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

    /// Whether there is anything of this name, be it a link that leads nowhere.
    pub(crate) fn has(&self, name: &OsStr) -> bool {
        self.dir.symlink_metadata(name).is_ok()
    }

    /// Why this name is not one to write a file under: it belongs to a link, a
    /// device, a pipe or a socket, which a file must not replace.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn special(&self, name: &OsStr) -> io::Result<Option<&'static str>> {
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

    /// Makes a new file, to be written. What has its name is removed.
    ///
    /// # Errors
    /// What the system says; that it exists, where something else makes it anew at
    /// the same moment, or where it is a folder.
    pub(crate) fn create(&self, name: &OsStr) -> io::Result<File> {
        self.remove(name)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        options.follow(FollowSymlinks::No);
        Ok(self.dir.open_with(name, &options)?.into_std())
    }

    /// Opens a file that is there, to be read and written.
    ///
    /// # Errors
    /// What the system says, and when it is no regular file, or has other names
    /// beside this one.
    pub(crate) fn open(&self, name: &OsStr) -> io::Result<File> {
        let refused = |why: &str| io::Error::other(format!("it is {why}, and is not opened"));
        if !self.dir.symlink_metadata(name)?.is_file() {
            return Err(refused("a link, a folder or a device"));
        }
        let file = self.open_without_waiting(name)?;
        let metadata = Metadata::from_file(&file)?;
        match (metadata.is_file(), metadata.nlink()) {
            (true, 1) => Ok(file),
            (true, _) => Err(refused("a hard link")),
            (false, _) => Err(refused("a link, a folder or a device")),
        }
    }

    /// Opens whatever has this name by now, unless it is a link. A pipe is not
    /// waited for.
    fn open_without_waiting(&self, name: &OsStr) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).follow(FollowSymlinks::No);
        #[cfg(unix)]
        options.nonblock(true);
        Ok(self.dir.open_with(name, &options)?.into_std())
    }

    /// Gives a file from [`Folder::create`] or [`Folder::open`] another name. What
    /// had that name before is replaced.
    ///
    /// # Errors
    /// What the system says, and when something else has its name now.
    pub(crate) fn rename(&self, file: &File, from: &OsStr, to: &OsStr) -> io::Result<()> {
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

    /// Removes a file or a link, if it is there.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        match self.dir.remove_file(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// What a file is on its device, whatever it is called.
///
/// # Errors
/// What the system says.
pub(crate) fn number(file: &File) -> io::Result<u64> {
    Ok(Metadata::from_file(file)?.ino())
}

/// The name with this behind it.
pub(crate) fn behind(name: &OsStr, more: &str) -> OsString {
    let mut name = name.to_owned();
    name.push(more);
    name
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    /// A folder with a file `outside` beside it.
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
    fn no_link_is_written_through() {
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

            // Planted after it was made.
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
    fn a_link_in_the_place_of_the_target_is_replaced() {
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

    /// As where a pipe takes the place of the file between the look and the opening.
    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_waited_for() {
        let (scene, folder) = scene();
        let (pipe, name) = (scene.path().join("in/name"), OsStr::new("name"));
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
        assert!(folder.open(name).is_err());
        if let Ok(file) = folder.open_without_waiting(name) {
            let flags = rustix::fs::fcntl_getfl(&file).unwrap();
            assert!(flags.contains(rustix::fs::OFlags::NONBLOCK));
        }
    }

    #[test]
    fn a_path_without_a_name_is_refused() {
        for path in ["..", "/", ""] {
            assert!(Folder::of(Path::new(path)).is_err(), "{path}");
        }
        assert!(Folder::of(Path::new("name")).is_ok());
    }
}
