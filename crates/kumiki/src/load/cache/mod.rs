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
//!
//! To know a component's artifact is to hash the component. That, too, is done
//! once: which artifact a plugin's file has is kept for as long as the file
//! looks the same ([`index`]).

mod compiled;
mod entries;
mod fault;
#[cfg_attr(not(unix), path = "no_folder.rs")]
mod folder;
mod identity;
mod index;
mod key;
mod machine_code;
mod seal;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use wasmtime::Engine;
use wasmtime::component::Component;

pub(crate) use compiled::Compiled;
pub use entries::Artifact;
use fault::Fault;
use folder::Folder;
pub(crate) use identity::FileIdentity;
use index::Entry;
pub(crate) use index::IndexEntry;
pub(crate) use key::{ArtifactKey, Compiler};
pub(crate) use machine_code::copy;
use seal::{Seal, SealKey};

use crate::engine::wasmtime_errors;
use crate::{Error, Result};

/// The most that a cache holds unless it is told otherwise, in bytes: a hundred
/// plugins in Python, or some ten thousand in Rust or C.
const CAPACITY: u64 = 4 << 30;

/// How long a lock is waited for: longer than most plugins take to compile.
/// Whoever holds it for longer holds up nobody else.
const PATIENCE: Duration = Duration::from_secs(30);

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

#[derive(Debug)]
struct Inner {
    folder: Arc<Folder>,
    key: SealKey,
    capacity: u64,
    /// How long a file must have been left alone to be known by its looks.
    left_alone: Duration,
    /// How long a lock is waited for.
    patience: Duration,
    /// How many bytes may be added before the folder is looked through again.
    room: Mutex<u64>,
}

/// An artifact whose bytes are those that were sealed.
struct Whole {
    artifact: File,
    /// Its seal, with what its file looks like for as long as that stays so;
    /// with nothing where it was written just now, and must be read again.
    seal: Seal,
    /// Whether it had to be read to know it.
    was_read: bool,
}

/// A component that is ready, and what is known of it.
pub(crate) struct Ready {
    pub(crate) component: Component,
    /// Bytes that the host keeps for the core instances of one instance, about.
    pub(crate) setup: usize,
    pub(crate) origin: Origin,
}

/// Where a component came from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// It was there.
    Cache,
    /// It was compiled, and is kept from now on.
    Compiled,
    /// It was compiled, and could not be kept.
    CacheWriteFailed(io::Error),
}

impl Cache {
    /// Opens a folder, and makes it if it is not there.
    ///
    /// # Errors
    /// [`Error::Cache`] for a folder that others can write to, or could before;
    /// that has files which Kumiki did not put there; or that cannot be made or
    /// read; on systems other than Unix, always.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let path = folder.as_ref();
        let error = |fault: Fault| Error::Cache {
            folder: path.to_owned(),
            message: fault.message,
            hint: fault.hint,
        };
        let folder = Folder::open(path).map_err(error)?;
        let key = SealKey::of(&folder).map_err(error)?;
        Ok(Self {
            inner: Arc::new(Inner {
                folder: Arc::new(folder),
                key,
                capacity: CAPACITY,
                left_alone: identity::LEFT_ALONE,
                patience: PATIENCE,
                room: Mutex::default(),
            }),
        })
    }

    /// The same folder, holding at most so many bytes. Beyond it, what was not
    /// used for longest is removed when something is added. Default: 4 GiB.
    #[must_use]
    pub fn with_capacity(self, bytes: u64) -> Self {
        Self {
            inner: Arc::new(Inner {
                folder: self.inner.folder.clone(),
                key: self.inner.key.clone(),
                capacity: bytes,
                left_alone: self.inner.left_alone,
                patience: self.inner.patience,
                room: Mutex::default(),
            }),
        }
    }

    /// The folder, as an absolute path without symbolic links.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.inner.folder.path()
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
            folder: self.folder().to_owned(),
            message: error.to_string(),
            hint: "delete the folder; it is made anew",
        }
    }

    /// The component that `key` says, from the folder, or else compiled and put
    /// there under the `plugin`'s name. Whoever wants the same component at the
    /// same time, in this process or another, waits for the first to compile it,
    /// but no longer than [`PATIENCE`]: then it compiles for itself and keeps
    /// nothing.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        key: &ArtifactKey,
        plugin: &str,
        compile: impl FnOnce() -> Result<Compiled>,
    ) -> Result<Ready> {
        let cannot = |source| Error::compile(plugin, source);
        let kept = || self.kept(engine, key).transpose().map_err(cannot);
        if let Some(ready) = kept()? {
            return Ok(ready);
        }
        let lock = self.lock(key);
        if let Some(ready) = kept()? {
            return Ok(ready);
        }
        let compiled = compile()?;
        let setup = compiled.setup;
        let ready = |compiled: Compiled, origin| {
            let component = compiled.into_component(engine).map_err(cannot)?;
            Ok(Ready {
                component,
                setup,
                origin,
            })
        };
        let _lock = match lock {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return ready(compiled, Origin::CacheWriteFailed(error));
            }
            // Without a lock it may be compiled twice; that is no reason to fail.
            lock => lock,
        };
        let origin = match self.keep(key, plugin, &compiled) {
            Ok(()) => Origin::Compiled,
            Err(error) => Origin::CacheWriteFailed(error),
        };
        ready(compiled, origin)
    }

    /// What is known of a component whose file looks like `identity`.
    pub(crate) fn known(&self, compiler: &Compiler, identity: &FileIdentity) -> Option<IndexEntry> {
        let (known, ..) = self.entry(compiler, identity).read()?;
        Some(known)
    }

    /// The same, and the component.
    pub(crate) fn known_component(
        &self,
        engine: &Engine,
        compiler: &Compiler,
        identity: &FileIdentity,
    ) -> Option<(Component, IndexEntry)> {
        let entry = self.entry(compiler, identity);
        let (mut known, file, used) = entry.read()?;
        let folder = &self.inner.folder;
        let (mut artifact, metadata) = folder.open_file(&known.key.artifact()).ok()?;
        let looks = FileIdentity::of(&metadata);
        if looks.is_none() || looks != known.artifact {
            let whole = self.whole(&known.key)?;
            artifact = whole.artifact;
            known.artifact = whole.seal.identity;
            if known.artifact.is_some() {
                // If it cannot be written, the next load asks the seal again.
                let _ = entry.write(&known);
            }
        } else if is_forgotten(used) {
            // Artifacts go by when their seals were last used.
            let _ = file.set_modified(SystemTime::now());
            let (seal, _) = folder.open_file(&known.key.seal()).ok()?;
            let _ = seal.set_modified(SystemTime::now());
        }
        Some((machine_code::map(engine, &artifact).ok()?, known))
    }

    /// Keeps what is known of a component for as long as its file looks like
    /// `identity`, as it did at `time`, before it was read. Of a file that was
    /// changed shortly before that, nothing is kept.
    pub(crate) fn remember(
        &self,
        compiler: &Compiler,
        identity: &FileIdentity,
        time: SystemTime,
        known: &IndexEntry,
    ) {
        if identity.is_settled(time, self.inner.left_alone) {
            // If it cannot be written, the next load reads the file again.
            let _ = self.entry(compiler, identity).write(known);
        }
    }

    fn entry<'a>(&'a self, compiler: &Compiler, identity: &'a FileIdentity) -> Entry<'a> {
        let Inner { folder, key, .. } = &*self.inner;
        Entry::new(folder, key, compiler, identity)
    }

    /// One of a few files, by the key: locked until it is dropped. Two different
    /// components rarely wait for each other, and no locks are left behind for
    /// components that nobody has any more.
    fn lock(&self, key: &ArtifactKey) -> io::Result<File> {
        let name = format!("lock-{}", key.shard());
        self.inner.folder.lock(&name, self.inner.patience)
    }

    /// Maps an artifact that is there and as it was written. An error where it is
    /// of a component that `engine` has too small slots for: to compile that once
    /// more would not make it smaller.
    fn kept(&self, engine: &Engine, key: &ArtifactKey) -> Option<wasmtime::Result<Ready>> {
        let Inner {
            folder,
            key: seal_key,
            ..
        } = &*self.inner;
        let Whole {
            artifact,
            seal,
            was_read,
        } = self.whole(key)?;
        let setup = seal.setup;
        if was_read && seal.identity.is_some() {
            let seal = seal.text(key, seal_key);
            // If it cannot be written, the next load reads the artifact again.
            let _ = folder.replace_lightly(&key.seal(), seal.as_bytes());
        }
        match machine_code::map(engine, &artifact) {
            Err(error) if !wasmtime_errors::is_too_large_for_slots(&error) => None,
            mapped => Some(mapped.map(|component| Ready {
                component,
                setup,
                origin: Origin::Cache,
            })),
        }
    }

    /// An artifact, if its bytes are those that were sealed.
    fn whole(&self, key: &ArtifactKey) -> Option<Whole> {
        let folder = &self.inner.folder;
        let (file, metadata) = folder.open_file(&key.seal()).ok()?;
        let mut text = String::new();
        let most = entries::LARGEST_SEAL;
        (&file).take(most).read_to_string(&mut text).ok()?;
        let seal = Seal::read(&text, key, &self.inner.key)?;
        let time = SystemTime::now();
        let (artifact, looks) = folder.open_file(&key.artifact()).ok()?;
        let looks = FileIdentity::of(&looks);
        let was_read = looks.is_none() || looks != seal.identity;
        if was_read {
            let identity = looks.filter(|looks| looks.is_settled(time, self.inner.left_alone));
            if self.inner.key.digest(&artifact).ok()? != seal.digest {
                return None;
            }
            let seal = Seal { identity, ..seal };
            return Some(Whole {
                artifact,
                seal,
                was_read,
            });
        }
        if is_forgotten(metadata.modified().ok()?) {
            let _ = file.set_modified(SystemTime::now());
        }
        Some(Whole {
            artifact,
            seal,
            was_read,
        })
    }

    /// Writes an artifact, then its seal: without the seal it is not there.
    fn keep(&self, key: &ArtifactKey, plugin: &str, compiled: &Compiled) -> io::Result<()> {
        let Inner {
            folder,
            key: seal_key,
            ..
        } = &*self.inner;
        let bytes = compiled.bytes().map_err(io::Error::other)?;
        folder.replace(&key.artifact(), &bytes)?;
        let seal = Seal {
            digest: seal_key.digest(&*bytes)?,
            identity: None,
            setup: compiled.setup,
            plugin: plugin.to_owned(),
        };
        folder.replace(&key.seal(), seal.text(key, seal_key).as_bytes())?;
        self.make_room(bytes.len() as u64, &key.artifact())
    }

    /// Keeps the folder within its bounds after `added` bytes were put there.
    /// To look through a folder of thousands takes milliseconds: that is done
    /// once a process, and again when a sixteenth of the bounds was added, for
    /// others may add to it too.
    fn make_room(&self, added: u64, newest: &str) -> io::Result<()> {
        let Inner {
            folder, capacity, ..
        } = &*self.inner;
        let mut room = self
            .inner
            .room
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = room.checked_sub(added) {
            *room = left;
            return Ok(());
        }
        let some = capacity / 16;
        let total = entries::trim(folder, *capacity, capacity - some, newest)?;
        *room = capacity.saturating_sub(total).min(some);
        Ok(())
    }
}

/// Whether a use at this time is so long ago that this one is written down.
fn is_forgotten(used: SystemTime) -> bool {
    used.elapsed().is_ok_and(|age| age > FORGETTING)
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
