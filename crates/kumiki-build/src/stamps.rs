//! Records what each component was built from. Stamps are stored in the user's
//! own folder and keyed, so a stamp that came with an untrusted project is
//! ignored.

use std::io;
use std::path::{Path, PathBuf, absolute};

use crate::error::Error;

/// A folder of build stamps and the key that authenticates them. Cheap to
/// clone.
#[derive(Clone)]
pub struct Stamps {
    folder: PathBuf,
    key: [u8; 32],
}

impl std::fmt::Debug for Stamps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stamps")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Stamps {
    /// Opens a folder of stamps. Creates it, with a new key, if it does not
    /// exist.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be created or read, or if other users
    /// can read or write it. Always fails on systems other than Unix.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder = folder.into();
        private::make(&folder).map_err(Error::io("create", &folder))?;
        let path = folder.join("key");
        let key = match private::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let random = private::random().map_err(Error::io("create", &path))?;
                private::create(&path, &random).map_err(Error::io("write", &path))?;
                private::read(&path)
            }
            read => read,
        };
        let key = key.map_err(Error::io("read", &path))?;
        let key = <[u8; 32]>::try_from(key)
            .map_err(|_| io::Error::other("expected 32 bytes"))
            .map_err(Error::io("read", &path))?;
        Ok(Self { folder, key })
    }

    /// Whether there is a stamp for the file `component` with these `parts`.
    pub(crate) fn has(&self, component: &Path, parts: &[&[u8]]) -> bool {
        let stamp = self.file(component).and_then(|path| private::read(&path));
        let stamp = stamp.ok().and_then(|hex| blake3::Hash::from_hex(hex).ok());
        // `blake3::Hash` compares in constant time.
        stamp.is_some_and(|stamp| self.hash(component, parts).is_ok_and(|hash| hash == stamp))
    }

    /// Writes a stamp for the file `component` with these `parts`.
    pub(crate) fn put(&self, component: &Path, parts: &[&[u8]]) -> Result<(), Error> {
        let write = || {
            let hash = self.hash(component, parts)?;
            private::replace(&self.file(component)?, hash.to_hex().as_bytes())
        };
        write().map_err(Error::io("write", &self.folder))
    }

    fn file(&self, component: &Path) -> io::Result<PathBuf> {
        let name = blake3::hash(absolute(component)?.as_os_str().as_encoded_bytes());
        Ok(self.folder.join(name.to_hex().as_str()))
    }

    fn hash(&self, component: &Path, parts: &[&[u8]]) -> io::Result<blake3::Hash> {
        let component = absolute(component)?;
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in [component.as_os_str().as_encoded_bytes()]
            .iter()
            .chain(parts)
        {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Ok(hasher.finalize())
    }
}

/// Files that only this user can read or write.
#[cfg(unix)]
mod private {
    use std::fs::{self, File, Metadata};
    use std::io::{self, Read as _, Write as _};
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
    use std::path::Path;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::fs::{Mode, OFlags};

    pub(super) fn make(folder: &Path) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder)?;
        check(&folder.symlink_metadata()?, Metadata::is_dir)
    }

    fn check(metadata: &Metadata, is_kind: fn(&Metadata) -> bool) -> io::Result<()> {
        let user = rustix::process::geteuid().as_raw();
        let is_private = metadata.uid() == user && metadata.mode() & 0o077 == 0;
        match is_kind(metadata) && is_private {
            true => Ok(()),
            false => Err(io::Error::other("not private to this user; remove it")),
        }
    }

    /// Reads the first 4096 bytes of a private file.
    pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        check(&file.metadata()?, |metadata| {
            metadata.is_file() && metadata.nlink() == 1
        })?;
        let mut bytes = Vec::new();
        file.take(4096).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
        write(path, bytes, |from, to| fs::rename(from, to))
    }

    /// Writes a file unless it exists: the first of several concurrent calls wins.
    pub(super) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
        match write(path, bytes, rename_new) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            written => written,
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;

        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Some file systems do not support it. There the later of two builds that
            // create a key wins, and what the other one stamped is built once more.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => fs::rename(from, to),
            renamed => Ok(renamed?),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Writes a temporary file and moves it to its place.
    fn write(
        path: &Path,
        bytes: &[u8],
        place: impl Fn(&Path, &Path) -> io::Result<()>,
    ) -> io::Result<()> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{}-{count}.tmp", std::process::id()));
        let write = || {
            let mut options = File::options();
            options.write(true).create_new(true).mode(0o600);
            options.open(&temporary)?.write_all(bytes)?;
            place(&temporary, path)
        };
        write().inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
    }

    pub(super) fn random() -> io::Result<[u8; 32]> {
        let mut bytes = [0; 32];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// On other systems, permissions of a file cannot be checked here.
#[cfg(not(unix))]
mod private {
    use std::io;
    use std::path::Path;

    fn unsupported<T>() -> io::Result<T> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn make(_: &Path) -> io::Result<()> {
        unsupported()
    }

    pub(super) fn read(_: &Path) -> io::Result<Vec<u8>> {
        unsupported()
    }

    pub(super) fn replace(_: &Path, _: &[u8]) -> io::Result<()> {
        unsupported()
    }

    pub(super) fn create(_: &Path, _: &[u8]) -> io::Result<()> {
        unsupported()
    }

    pub(super) fn random() -> io::Result<[u8; 32]> {
        unsupported()
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::thread;

    use super::*;

    #[test]
    fn stamp_matches_one_component_and_one_key() {
        let scene = tempfile::tempdir().unwrap();
        let stamps = Stamps::open(scene.path().join("new/stamps")).unwrap();
        let other = Stamps::open(scene.path().join("other")).unwrap();
        let component = Path::new("a.wasm");
        let parts: &[&[u8]] = &[b"sources", b"bytes"];
        assert!(!stamps.has(component, parts));
        stamps.put(component, parts).unwrap();
        assert!(stamps.has(component, parts));
        let again = Stamps::open(scene.path().join("new/stamps")).unwrap();
        assert!(again.has(component, parts), "opened again");
        for (component, parts) in [
            ("b.wasm", parts),
            ("a.wasm", &[b"source", b"sbytes"]),
            ("a.wasm", &[b"sources"]),
        ] {
            assert!(!stamps.has(Path::new(component), parts), "{component}");
        }
        // A stamp that was made with another key.
        let file = stamps.file(component).unwrap();
        let name = file.file_name().unwrap();
        other.put(component, parts).unwrap();
        fs::copy(other.folder.join(name), &file).unwrap();
        assert!(!stamps.has(component, parts), "another key");
        for bytes in ["", "x", &"0".repeat(64)] {
            fs::write(&file, bytes).unwrap();
            assert!(!stamps.has(component, parts), "{bytes}");
        }
        stamps.put(component, parts).unwrap();
        assert!(stamps.has(component, parts));
        let left = fs::read_dir(&stamps.folder).unwrap().count();
        assert_eq!(left, 2, "a key, a stamp, and nothing temporary");
    }

    #[test]
    fn concurrent_builds_get_the_same_key() {
        for _ in 0..20 {
            let scene = tempfile::tempdir().unwrap();
            let folder = scene.path().join("stamps");
            let keys = thread::scope(|scope| {
                let open = || scope.spawn(|| Stamps::open(&folder).map(|stamps| stamps.key));
                let threads: Vec<_> = (0..4).map(|_| open()).collect();
                let keys = threads.into_iter().map(|it| it.join().unwrap());
                keys.collect::<Vec<_>>()
            });
            let keys: Vec<_> = keys.into_iter().map(Result::unwrap).collect();
            assert_eq!(keys, [keys[0]; 4]);
        }
    }

    #[test]
    fn files_that_others_can_write_are_refused() {
        let scene = tempfile::tempdir().unwrap();
        let folder = scene.path().join("stamps");
        let open = || Stamps::open(&folder);
        open().unwrap();
        let mode = |name: &str, bits| {
            let path = folder.join(name);
            fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
        };
        for (name, bits, good) in [(".", 0o770, 0o700), ("key", 0o602, 0o600)] {
            mode(name, bits);
            open().unwrap_err();
            mode(name, good);
            open().unwrap();
        }
        fs::hard_link(folder.join("key"), scene.path().join("key")).unwrap();
        open().unwrap_err();
        fs::remove_file(scene.path().join("key")).unwrap();
        fs::write(folder.join("key"), "short").unwrap();
        open().unwrap_err();
    }
}
