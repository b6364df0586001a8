//! The compile cache as the loader of one contract uses it.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use wasmtime::Module;
use wasmtime::component::Component;

use super::{ArtifactKey, Cache, FileIdentity, IndexEntry, KeyPrefix};
use crate::engine::ModuleHash;
use crate::load::compiled::{Fresh, Needs, Ready};
use crate::load::contract::ContractSource;
use crate::{Engine, Result};

/// The cache, for the components of one contract and engine.
pub(crate) struct ContractCache {
    cache: Cache,
    prefix: KeyPrefix,
}

/// A component that was found by the identity of its file.
pub(crate) struct IndexedComponent {
    pub(crate) ready: Ready<Component>,
    /// The text of the component's requests.
    pub(crate) requests: String,
    /// The size of the component in bytes.
    pub(crate) bytes: usize,
}

impl ContractCache {
    pub(crate) fn new(
        cache: Cache,
        engine: &Engine,
        source: &ContractSource,
        shares_modules: bool,
    ) -> Self {
        let prefix = KeyPrefix::new(engine.as_wasmtime(), source, shares_modules);
        Self { cache, prefix }
    }

    /// Returns the key of a component's artifact.
    pub(crate) fn key(&self, component: &[u8]) -> ArtifactKey {
        self.prefix.key(component)
    }

    /// As [`Cache::get_or_compile`].
    pub(crate) fn get_or_compile(
        &self,
        engine: &Engine,
        key: &ArtifactKey,
        plugin: &str,
        compile: impl FnOnce() -> Result<Fresh<Component>>,
    ) -> Result<Ready<Component>> {
        self.cache.get_or_compile(engine, key, plugin, compile)
    }

    /// As [`Cache::get_or_compile`], for a core module.
    pub(crate) fn get_or_compile_module(
        &self,
        engine: &Engine,
        hash: ModuleHash,
        plugin: &str,
        compile: impl FnOnce() -> Result<Fresh<Module>>,
    ) -> Result<Ready<Module>> {
        let key = ArtifactKey::of_module(engine.as_wasmtime(), hash);
        self.cache.get_or_compile(engine, &key, plugin, compile)
    }

    /// Stores the bytes of a core module, for thin components that need it. They are
    /// removed together with its artifacts.
    pub(crate) fn store_runtime(&self, hash: ModuleHash, module: &[u8]) -> io::Result<()> {
        self.cache.store_runtime(hash, module)
    }

    /// Returns the bytes of a core module, at most `max_bytes`.
    pub(crate) fn runtime(&self, hash: ModuleHash, max_bytes: usize) -> Option<Vec<u8>> {
        self.cache.runtime(hash, max_bytes)
    }

    /// Returns the component in a file that is in the index and has not changed. Does not
    /// read the file.
    pub(crate) fn indexed(
        &self,
        engine: &Engine,
        path: &Path,
        max_bytes: usize,
    ) -> Option<IndexedComponent> {
        let identity = identity(path, max_bytes)?;
        let indexed = self
            .cache
            .indexed_component(engine, &self.prefix, &identity);
        let (ready, requests) = indexed?;
        Some(IndexedComponent {
            ready,
            requests,
            bytes: identity.length(),
        })
    }

    /// Returns the text of the requests of the component in a file that is in the index
    /// and has not changed. Does not read the file.
    pub(crate) fn indexed_requests(&self, path: &Path, max_bytes: usize) -> Option<String> {
        let identity = identity(path, max_bytes)?;
        let entry = self.cache.index_entry(&self.prefix, &identity)?;
        Some(entry.requests)
    }

    /// Stores the index entry of a component's file. `identity` is the file's identity at
    /// `time`, before it was read; `requests` is the text of its requests.
    pub(crate) fn index(
        &self,
        engine: &Engine,
        key: ArtifactKey,
        (identity, time): &(FileIdentity, SystemTime),
        requests: &str,
        needs: &Needs,
    ) {
        let Needs {
            size,
            concurrency,
            modules,
        } = needs;
        // It was loaded for the same engine.
        let Ok(engine) = engine.for_plugin(*concurrency) else {
            return;
        };
        let entry = IndexEntry {
            key,
            requests: requests.to_owned(),
            size: *size,
            concurrency: *concurrency,
            modules: ArtifactKey::of_modules(engine.as_wasmtime(), modules),
            artifact: None,
        };
        let cache = &self.cache;
        cache.store_index_entry(&self.prefix, identity, *time, &entry);
    }
}

/// Returns the identity of a component's file, unless it is too large: a host with a
/// higher limit may have cached it.
fn identity(path: &Path, max_bytes: usize) -> Option<FileIdentity> {
    let identity = FileIdentity::of(&fs::metadata(path).ok()?)?;
    (identity.length() <= max_bytes).then_some(identity)
}
