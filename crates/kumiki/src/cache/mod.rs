//! Plugins compiled to machine code, kept on disk: compiled once per machine,
//! mapped from then on.
//!
//! To map an artifact is to run it. Nothing is mapped but what this user's own
//! Kumiki wrote, unchanged: the folder belongs to the user and nobody else can
//! write there ([`folder`]); each artifact has a seal, made with a key that
//! lies in the folder, over all of its bytes ([`seal`]); and an artifact is
//! known by all that went into it ([`key`]), so that no other component's, no
//! other engine's and no other version's is ever taken for it. What is not as
//! it must be is compiled again.

mod entries;
mod folder;
mod key;
mod seal;

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use wasmtime::Engine;
use wasmtime::component::Component;

pub use entries::Artifact;
pub(crate) use key::{ArtifactKey, Compiler};
use seal::{Identity, Seal, SealKey};

use crate::{Error, Result};

/// The most that a cache holds unless it is told otherwise, in bytes: a hundred
/// plugins in Python, or some ten thousand in Rust or C.
const CAPACITY: u64 = 4 << 30;

/// An artifact of at most so many bytes is read and checked whole each time it
/// is loaded, which takes some 50 µs for one of 100 KB; a larger one when it was
/// touched since the last time.
const SMALL: u64 = 256 << 10;

/// How old a last use must be to be written down anew.
const FORGETTING: Duration = Duration::from_mins(1);

/// A folder of artifacts, for [`HostBuilder::cache`]. Cheap to clone; any
/// number of processes may share the folder.
///
/// ```
/// use kumiki::Cache;
///
/// # let folder = std::env::home_dir().unwrap().join(format!(".kumiki-doctest-{}", std::process::id()));
/// # let attempt = || -> Result<(), kumiki::Error> {
/// let cache = Cache::open(&folder)?.with_capacity(1 << 30);
/// assert_eq!(cache.artifacts()?.len(), 0);
/// # Ok(())
/// # };
/// # let _ = attempt();
/// # let _ = std::fs::remove_dir_all(&folder);
/// ```
///
/// [`HostBuilder::cache`]: crate::HostBuilder::cache
#[derive(Clone, Debug)]
pub struct Cache {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    folder: PathBuf,
    key: SealKey,
    capacity: u64,
}

/// Where a component came from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// It was there.
    Kept,
    /// It was compiled, and is kept from now on.
    Compiled,
    /// It was compiled, and could not be kept.
    NotKept(io::Error),
}

impl Cache {
    /// Opens a folder, and makes it if it is not there.
    ///
    /// # Errors
    /// [`Error::Cache`] for a folder that others can write to, or that cannot
    /// be made or read; on systems other than Unix, always.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let error = |message: String, hint| Error::Cache {
            folder: folder.as_ref().to_owned(),
            message,
            hint,
        };
        let folder =
            folder::open(folder.as_ref()).map_err(|fault| error(fault.message, fault.hint))?;
        let key = SealKey::read(&folder).map_err(|source| {
            let hint = "delete the folder; it is made anew";
            error(format!("cannot read its key: {source}"), hint)
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                folder,
                key,
                capacity: CAPACITY,
            }),
        })
    }

    /// The same folder, holding at most so many bytes. Beyond it, what was not
    /// used for longest is removed when something is added. Default: 4 GiB.
    #[must_use]
    pub fn with_capacity(self, bytes: u64) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.inner);
        inner.capacity = bytes;
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The folder, as an absolute path without symbolic links.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// What it holds, last used first.
    ///
    /// # Errors
    /// [`Error::Cache`] when the folder cannot be read.
    pub fn artifacts(&self) -> Result<Vec<Artifact>> {
        entries::read(&self.inner.folder, &self.inner.key).map_err(|error| self.error(&error))
    }

    /// Removes all that it holds; gives the bytes that this freed. Plugins that
    /// are loaded stay so.
    ///
    /// # Errors
    /// [`Error::Cache`] when something cannot be removed.
    pub fn clear(&self) -> Result<u64> {
        entries::clear(&self.inner.folder).map_err(|error| self.error(&error))
    }

    fn error(&self, error: &io::Error) -> Error {
        Error::Cache {
            folder: self.inner.folder.clone(),
            message: error.to_string(),
            hint: "delete the folder; it is made anew",
        }
    }

    /// The component that `key` says, from the folder, or else compiled and put
    /// there under the `plugin`'s name. Whoever wants the same component at the
    /// same time, in this process or another, waits for the first to compile it.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        key: &ArtifactKey,
        plugin: &str,
        compile: impl FnOnce() -> Result<Component>,
    ) -> Result<(Component, Origin)> {
        if let Some(component) = self.kept(engine, key) {
            return Ok((component, Origin::Kept));
        }
        // Without the lock it may be compiled twice; that is no reason to fail.
        let lock = self.lock(key);
        if lock.is_ok()
            && let Some(component) = self.kept(engine, key)
        {
            return Ok((component, Origin::Kept));
        }
        let component = compile()?;
        let origin = match self.keep(key, plugin, &component) {
            Ok(()) => Origin::Compiled,
            Err(error) => Origin::NotKept(error),
        };
        Ok((component, origin))
    }

    /// One of a few files, by the key: locked until it is dropped. Two different
    /// components rarely wait for each other, and no locks are left behind for
    /// components that nobody has any more.
    fn lock(&self, key: &ArtifactKey) -> io::Result<File> {
        let path = self.inner.folder.join(format!("lock-{}", key.shard()));
        let mut options = File::options();
        let file = options.create(true).append(true).open(path)?;
        file.lock()?;
        Ok(file)
    }

    /// Maps an artifact that is there and as it was written.
    fn kept(&self, engine: &Engine, key: &ArtifactKey) -> Option<Component> {
        let path = self.inner.folder.join(key.artifact());
        let unchanged = self.is_unchanged(key, &path).unwrap_or(false);
        if !unchanged {
            return None;
        }
        map(engine, &path)
    }

    /// Whether the artifact's bytes are those that were sealed.
    fn is_unchanged(&self, key: &ArtifactKey, path: &Path) -> io::Result<bool> {
        let Inner {
            folder,
            key: seal_key,
            ..
        } = &*self.inner;
        let seal_path = folder.join(key.seal());
        let mut seal_file = File::open(&seal_path)?;
        let mut text = String::new();
        seal_file.read_to_string(&mut text)?;
        let Some(seal) = Seal::read(&text, key, seal_key) else {
            return Ok(false);
        };
        let artifact = File::open(path)?;
        let identity = Identity::of(&artifact.metadata()?);
        if identity.length <= SMALL || identity != seal.identity {
            if seal_key.digest(&artifact)? != seal.digest {
                return Ok(false);
            }
            if identity != seal.identity {
                let renewed = Seal { identity, ..seal };
                // If it cannot be written, the next load checks it again.
                let _ = replace(&seal_path, renewed.text(key, seal_key).as_bytes());
                return Ok(true);
            }
        }
        let used = seal_file.metadata()?.modified()?;
        if used.elapsed().is_ok_and(|age| age > FORGETTING) {
            let _ = seal_file.set_modified(SystemTime::now());
        }
        Ok(true)
    }

    /// Writes an artifact, then its seal: without the seal it is not there.
    fn keep(&self, key: &ArtifactKey, plugin: &str, component: &Component) -> io::Result<()> {
        let Inner {
            folder,
            key: seal_key,
            capacity,
        } = &*self.inner;
        let bytes = component.serialize().map_err(io::Error::other)?;
        let path = folder.join(key.artifact());
        replace(&path, &bytes)?;
        let seal = Seal {
            digest: seal_key.digest(&*bytes)?,
            identity: Identity::of(&fs::metadata(&path)?),
            plugin: plugin.to_owned(),
        };
        replace(
            &folder.join(key.seal()),
            seal.text(key, seal_key).as_bytes(),
        )?;
        entries::trim(folder, *capacity, &key.artifact())
    }
}

/// Writes a file beside `path`, all the way to the disk, and renames it: at any
/// moment there is the old file, the new one, or none. Nobody but the owner
/// reads it, and nobody writes to it.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = folder::temporary(path);
    let write = || {
        let mut file = folder::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}

/// Maps an artifact into memory as code.
fn map(engine: &Engine, path: &Path) -> Option<Component> {
    // SAFETY: the file is one that wasmtime wrote for this engine and this
    // user's Kumiki put here: its seal was checked against all of its bytes,
    // with a key that only this user can read. Nobody else can write to it or
    // put another in its place while it is mapped, for the folder and all above
    // it are this user's or root's (`folder::open`), and Kumiki itself never
    // writes to an artifact that has its name already.
    #[expect(
        unsafe_code,
        reason = "mapping is what makes a cached plugin quick to load"
    )]
    unsafe {
        Component::deserialize_file(engine, path).ok()
    }
}

/// The same machine code for another engine, which must differ in nothing that
/// is compiled in.
pub(crate) fn copy(component: &Component, engine: &Engine) -> wasmtime::Result<Component> {
    let bytes = component.serialize()?;
    // SAFETY: wasmtime has just written these bytes, and nobody else has seen
    // them. Whether they are this engine's is checked when they are read.
    #[expect(unsafe_code, reason = "compiling it again could take half a minute")]
    unsafe {
        Component::deserialize(engine, bytes)
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
