//! Reading and writing of artifacts and their seals.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use wasmtime::Module;

use super::seal::Seal;
use super::{ArtifactKey, Cache, FileIdentity, Inner, entries, is_outdated, trim};
use crate::engine::{SharedModule, wasmtime_errors};
use crate::load::compiled::{Fresh, Needs, Origin, Ready};
use crate::load::machine_code::{self, MachineCode};
use crate::{Engine, Error, Result};

/// An artifact whose bytes match its seal.
pub(super) struct VerifiedArtifact {
    pub(super) file: File,
    /// The artifact's seal. Its identity is `None` if the file was written so recently
    /// that it must be read again next time.
    pub(super) seal: Seal,
    /// Whether the file had to be read to verify it.
    was_read: bool,
}

impl Cache {
    /// Returns the cached machine code of this key, or compiles it and stores its artifact
    /// under the `plugin`'s name. Concurrent calls for the same key, also in other
    /// processes, wait for the first one to compile it, but at most
    /// [`LOCK_TIMEOUT`](super::LOCK_TIMEOUT): then they compile it themselves and store
    /// nothing.
    pub(super) fn get_or_compile<C: MachineCode>(
        &self,
        engine: &Engine,
        key: &ArtifactKey,
        plugin: &str,
        compile: impl FnOnce() -> Result<Fresh<C>>,
    ) -> Result<Ready<C>> {
        let cannot = |source| Error::compile(plugin, source);
        let cached = || self.get(engine, key).transpose().map_err(cannot);
        if let Some(ready) = cached()? {
            return Ok(ready);
        }
        let lock = self.lock(key);
        if let Some(ready) = cached()? {
            return Ok(ready);
        }
        let fresh = compile()?;
        let (_lock, stored) = match lock {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => (None, Err(error)),
            // Without a lock it may be compiled twice, which is harmless.
            lock => (Some(lock), self.store(engine, key, plugin, &fresh)),
        };
        let origin = match stored.and(fresh.modules_stored) {
            Ok(()) => Origin::Compiled,
            Err(error) => Origin::CacheWriteFailed(error),
        };
        let engine = engine.for_plugin(fresh.needs.concurrency)?;
        let code = fresh.code.into_code(engine.as_wasmtime());
        Ok(Ready {
            code: code.map_err(cannot)?,
            needs: fresh.needs,
            origin,
        })
    }

    /// Returns the modules with these keys; `None` if one is not in the cache. Returns an
    /// error if one does not fit into `engine`'s slots.
    pub(super) fn modules(
        &self,
        engine: &Engine,
        keys: &[ArtifactKey],
    ) -> Option<wasmtime::Result<Vec<Arc<SharedModule>>>> {
        let module = |key: &ArtifactKey| {
            let cached = || match self.get::<Module>(engine, key) {
                Some(ready) => ready.map(|ready| ready.code).map_err(Some),
                None => Err(None),
            };
            let shared = engine.shared_modules();
            shared.get_or_make(key.module().ok_or(None)?, cached)
        };
        let modules: Result<_, Option<wasmtime::Error>> = keys.iter().map(module).collect();
        match modules {
            Ok(modules) => Some(Ok(modules)),
            Err(error) => error.map(Err),
        }
    }

    /// Locks the file for this key, until it is dropped. Different components rarely wait
    /// for each other, and no lock files of removed components accumulate.
    pub(super) fn lock(&self, key: &ArtifactKey) -> io::Result<File> {
        let Inner {
            folder,
            lock_timeout,
            ..
        } = &*self.inner;
        folder.lock(&key.lock(), *lock_timeout)
    }

    /// Maps an artifact that is in the cache and unchanged, and the modules that it needs.
    /// Returns an error if it does not fit into `engine`'s slots: compiling it again would
    /// not help.
    fn get<C: MachineCode>(
        &self,
        engine: &Engine,
        key: &ArtifactKey,
    ) -> Option<wasmtime::Result<Ready<C>>> {
        let Inner {
            folder,
            key: seal_key,
            ..
        } = &*self.inner;
        let VerifiedArtifact {
            file,
            seal,
            was_read,
        } = self.verify(key)?;
        let engine = engine.for_plugin(seal.concurrency).ok()?;
        let modules = match self.modules(&engine, &seal.modules)? {
            Ok(modules) => modules,
            Err(error) => return Some(Err(error)),
        };
        let needs = Needs {
            size: seal.size,
            concurrency: seal.concurrency,
            modules,
        };
        if was_read && seal.identity.is_some() {
            let seal = seal.text(key, seal_key);
            // If this fails, the next load reads the artifact again.
            let _ = folder.replace_unsynced(&key.seal(), seal.as_bytes());
        }
        match machine_code::map(engine.as_wasmtime(), &file) {
            Err(error) if !wasmtime_errors::is_too_large_for_slots(&error) => None,
            mapped => Some(mapped.map(|code| Ready {
                code,
                needs,
                origin: Origin::Cache,
            })),
        }
    }

    /// Opens an artifact; returns `None` unless its bytes match its seal.
    pub(super) fn verify(&self, key: &ArtifactKey) -> Option<VerifiedArtifact> {
        let folder = &self.inner.folder;
        let (seal_file, seal_metadata) = folder.open_file(&key.seal()).ok()?;
        let mut text = String::new();
        let most = entries::MAX_SEAL;
        (&seal_file).take(most).read_to_string(&mut text).ok()?;
        let seal = Seal::read(&text, key, &self.inner.key)?;
        let time = SystemTime::now();
        let (file, metadata) = folder.open_file(&key.artifact()).ok()?;
        let identity = FileIdentity::of(&metadata);
        let was_read = identity.is_none() || identity != seal.identity;
        if was_read {
            let settled = |it: &FileIdentity| it.is_settled(time, self.inner.settle_time);
            let identity = identity.filter(settled);
            if self.inner.key.digest(&file).ok()? != seal.digest {
                return None;
            }
            let seal = Seal { identity, ..seal };
            return Some(VerifiedArtifact {
                file,
                seal,
                was_read,
            });
        }
        if is_outdated(seal_metadata.modified().ok()?) {
            let _ = seal_file.set_modified(SystemTime::now());
        }
        Some(VerifiedArtifact {
            file,
            seal,
            was_read,
        })
    }

    /// Writes an artifact, then its seal: an artifact without a seal is ignored.
    fn store<C: MachineCode>(
        &self,
        engine: &Engine,
        key: &ArtifactKey,
        plugin: &str,
        fresh: &Fresh<C>,
    ) -> io::Result<()> {
        let Inner {
            folder,
            key: seal_key,
            ..
        } = &*self.inner;
        let Needs {
            size,
            concurrency,
            modules,
        } = &fresh.needs;
        let engine = engine.for_plugin(*concurrency).map_err(io::Error::other)?;
        let bytes = fresh.code.bytes().map_err(io::Error::other)?;
        folder.replace(&key.artifact(), &bytes)?;
        let seal = Seal {
            digest: seal_key.digest(&*bytes)?,
            identity: None,
            size: *size,
            concurrency: *concurrency,
            modules: ArtifactKey::of_modules(engine.as_wasmtime(), modules),
            // The name may contain any characters.
            plugin: plugin.escape_debug().to_string(),
        };
        folder.replace(&key.seal(), seal.text(key, seal_key).as_bytes())?;
        self.make_room(bytes.len() as u64, &key.artifact())
    }

    /// Keeps the folder within its capacity after `added` bytes were stored. Reading a
    /// folder of thousands of files takes milliseconds: it is done once per process, and
    /// again after a sixteenth of the capacity was added, because other processes may add
    /// files too.
    fn make_room(&self, added: u64, newest: &str) -> io::Result<()> {
        let Inner {
            folder,
            key,
            capacity,
            ..
        } = &*self.inner;
        let mut unmeasured = self
            .inner
            .unmeasured
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = unmeasured.checked_sub(added) {
            *unmeasured = left;
            return Ok(());
        }
        let margin = capacity / 16;
        let total = trim::artifacts(folder, key, *capacity, capacity - margin, newest)?;
        *unmeasured = capacity.saturating_sub(total).min(margin);
        Ok(())
    }
}
