//! The compile cache: artifacts stored on disk, so that a plugin is compiled once per
//! machine and its artifact is mapped afterwards.
//!
//! Mapping an artifact lets it run as machine code. Therefore only unchanged files that
//! this user's Kumiki wrote are mapped. The folder belongs to the user, and no other user
//! can write to it ([`folder`]). Each artifact has a seal: a keyed hash of all its bytes,
//! whose key is stored in the folder ([`seal`]). An artifact's key covers everything that
//! determines its contents ([`key`]), so an artifact of another component, engine or
//! version is never used. A component whose files fail a check is compiled again.
//!
//! Finding a component's artifact requires a hash of the component. The index avoids this
//! too: it stores the artifact key of a plugin's file for as long as the file's identity
//! stays the same ([`index`]).

mod artifact_store;
mod contract_cache;
mod entries;
#[cfg_attr(not(unix), path = "no_folder.rs")]
mod folder;
mod folder_error;
mod identity;
mod index;
mod key;
mod seal;
mod trim;

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use wasmtime::component::Component;

pub(crate) use contract_cache::ContractCache;
pub use entries::{Artifact, Runtime};
use folder::Folder;
use folder_error::FolderError;
pub(crate) use identity::FileIdentity;
use index::{IndexEntry, IndexFile};
pub(crate) use key::ArtifactKey;
use key::KeyPrefix;
use seal::SealKey;

use super::compiled::{Needs, Origin, Ready};
use super::machine_code;
use crate::engine::ModuleHash;
use crate::{Engine, Error, Result};

/// The default capacity in bytes: a hundred plugins in Python, or about ten thousand in
/// Rust or C.
const CAPACITY: u64 = 4 << 30;

/// The maximum wait for a lock: longer than most plugins take to compile. After that,
/// the component is compiled without the lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// How old the recorded last use must be before it is updated.
const USE_PRECISION: Duration = Duration::from_mins(1);

/// The folder of the compile cache, for [`HostBuilder::cache`]. Cheap to clone; any
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

#[derive(Debug)]
struct Inner {
    folder: Arc<Folder>,
    key: SealKey,
    capacity: u64,
    /// How long a file must be unchanged before its identity is trusted.
    settle_time: Duration,
    lock_timeout: Duration,
    /// How many bytes may be added before the folder's size is measured again.
    unmeasured: Mutex<u64>,
}

impl Cache {
    /// Opens a folder; creates it if it does not exist.
    ///
    /// # Errors
    /// [`Error::Cache`] if other users can write to the folder, or could before; if it
    /// contains files that Kumiki did not create; if it cannot be created or read; and
    /// always on systems other than Unix.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let path = folder.as_ref();
        let error = |error: FolderError| Error::Cache {
            folder: path.to_owned(),
            message: error.message,
            hint: error.hint,
        };
        let folder = Folder::open(path).map_err(error)?;
        let key = SealKey::of(&folder).map_err(error)?;
        Ok(Self {
            inner: Arc::new(Inner {
                folder: Arc::new(folder),
                key,
                capacity: CAPACITY,
                settle_time: identity::SETTLE_TIME,
                lock_timeout: LOCK_TIMEOUT,
                unmeasured: Mutex::default(),
            }),
        })
    }

    /// Sets the capacity in bytes. When a new artifact exceeds it, the least recently
    /// used artifacts are removed. Default: 4 GiB.
    #[must_use]
    pub fn with_capacity(self, bytes: u64) -> Self {
        Self {
            inner: Arc::new(Inner {
                folder: self.inner.folder.clone(),
                key: self.inner.key.clone(),
                capacity: bytes,
                settle_time: self.inner.settle_time,
                lock_timeout: self.inner.lock_timeout,
                unmeasured: Mutex::default(),
            }),
        }
    }

    /// Returns the folder as an absolute path without symbolic links.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.inner.folder.path()
    }

    /// Returns the artifacts in the cache, most recently used first.
    ///
    /// # Errors
    /// [`Error::Cache`] when the folder cannot be read.
    pub fn artifacts(&self) -> Result<Vec<Artifact>> {
        entries::list(&self.inner.folder, &self.inner.key).map_err(|error| self.error(&error))
    }

    /// Removes all artifacts; returns the number of bytes freed. Loaded plugins are not
    /// affected.
    ///
    /// # Errors
    /// [`Error::Cache`] when a file cannot be removed.
    pub fn clear(&self) -> Result<u64> {
        entries::clear(&self.inner.folder).map_err(|error| self.error(&error))
    }

    /// Stores the bytes of a core module, unless they are there.
    fn store_runtime(&self, hash: ModuleHash, module: &[u8]) -> io::Result<()> {
        let (folder, name) = (&self.inner.folder, runtime_file(hash));
        match folder.open_file(&name) {
            Ok((_, metadata)) if metadata.len() == module.len() as u64 => Ok(()),
            _ => folder.replace(&name, module),
        }
    }

    /// Returns the bytes of a core module. Bytes with another hash are removed.
    fn runtime(&self, hash: ModuleHash, max_bytes: usize) -> Option<Vec<u8>> {
        let (file, metadata) = self.inner.folder.open_file(&runtime_file(hash)).ok()?;
        let length = usize::try_from(metadata.len()).ok()?;
        let mut bytes = Vec::with_capacity(length.min(max_bytes));
        file.take(max_bytes as u64).read_to_end(&mut bytes).ok()?;
        if ModuleHash::of(&bytes) != hash {
            let _ = self.inner.folder.remove(runtime_file(hash));
            return None;
        }
        Some(bytes)
    }

    fn error(&self, error: &io::Error) -> Error {
        Error::Cache {
            folder: self.folder().to_owned(),
            message: error.to_string(),
            hint: "remove the folder; it is created again",
        }
    }

    /// Returns the index entry of the component in a file with this identity.
    fn index_entry(&self, prefix: &KeyPrefix, identity: &FileIdentity) -> Option<IndexEntry> {
        let (entry, ..) = self.index_file(prefix, identity).read()?;
        Some(entry)
    }

    /// Returns the cached component of a file with this identity, and the text of its
    /// requests.
    fn indexed_component(
        &self,
        engine: &Engine,
        prefix: &KeyPrefix,
        identity: &FileIdentity,
    ) -> Option<(Ready<Component>, String)> {
        let index_file = self.index_file(prefix, identity);
        let (mut entry, file, used) = index_file.read()?;
        let folder = &self.inner.folder;
        let (mut artifact, metadata) = folder.open_file(&entry.key.artifact()).ok()?;
        let identity = FileIdentity::of(&metadata);
        if identity.is_none() || identity != entry.artifact {
            let verified = self.verify(&entry.key)?;
            artifact = verified.file;
            entry.artifact = verified.seal.identity;
            if entry.artifact.is_some() {
                // If this fails, the next load verifies the seal again.
                let _ = index_file.write(&entry);
            }
        } else if is_outdated(used) {
            // A seal's modification time is the last use of its artifact.
            let _ = file.set_modified(SystemTime::now());
            let (seal, _) = folder.open_file(&entry.key.seal()).ok()?;
            let _ = seal.set_modified(SystemTime::now());
        }
        let engine = engine.for_plugin(entry.concurrency).ok()?;
        let ready = Ready {
            needs: Needs {
                size: entry.size,
                concurrency: entry.concurrency,
                modules: self.modules(&engine, &entry.modules)?.ok()?,
            },
            code: machine_code::map(engine.as_wasmtime(), &artifact).ok()?,
            origin: Origin::Cache,
        };
        Some((ready, entry.requests))
    }

    /// Stores the index entry of a component's file. `identity` is the file's identity at
    /// `time`, before it was read. Nothing is stored for a file that was changed shortly
    /// before that.
    fn store_index_entry(
        &self,
        prefix: &KeyPrefix,
        identity: &FileIdentity,
        time: SystemTime,
        entry: &IndexEntry,
    ) {
        if identity.is_settled(time, self.inner.settle_time) {
            // If this fails, the next load reads the file again.
            let _ = self.index_file(prefix, identity).write(entry);
        }
    }

    fn index_file<'a>(&'a self, prefix: &KeyPrefix, identity: &'a FileIdentity) -> IndexFile<'a> {
        let Inner { folder, key, .. } = &*self.inner;
        IndexFile::new(folder, key, prefix, identity)
    }
}

/// The name of the file with the bytes of a core module.
fn runtime_file(hash: ModuleHash) -> String {
    format!("{hash}.module")
}

/// Returns whether a recorded last use is so old that it must be updated.
fn is_outdated(used: SystemTime) -> bool {
    used.elapsed().is_ok_and(|age| age > USE_PRECISION)
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
