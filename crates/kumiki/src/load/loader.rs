//! The loader, which prepares a component for linking: reads its file, checks it, and
//! compiles it unless the cache has its artifact.

use std::path::Path;
use std::time::SystemTime;
use std::{fs, io};

use wasmtime::component::Component;

use super::cache::{Cache, Compiled, FileIdentity, IndexEntry, KeyPrefix, Origin, Ready};
use super::component_file::ComponentFile;
use super::contract::{ContractSource, World};
use super::isolation::CompileCommand;
use crate::engine::wasmtime_errors;
use crate::inspect::Kind;
use crate::limits::Limit;
use crate::{Engine, Error, PermissionRequests, Result};

/// Loads the components of one contract for one engine.
pub(crate) struct Loader {
    engine: Engine,
    world: World,
    /// The maximum size of a component in bytes.
    max_bytes: usize,
    cache: Option<(Cache, KeyPrefix)>,
    /// The command that compiles components in a separate process.
    compile_with: Option<CompileCommand>,
}

/// A component that is ready to be linked, with its requests. It is for the loader's
/// engine, or, if it does not fit into a slot, for the same engine without slots.
pub(crate) struct Loaded {
    pub(crate) ready: Ready,
    pub(crate) requests: PermissionRequests,
    /// The size of the component in bytes.
    pub(crate) bytes: usize,
}

impl Loader {
    /// # Errors
    /// [`Error::Contract`] for WIT that does not parse.
    pub(crate) fn new(
        engine: Engine,
        source: ContractSource,
        max_bytes: usize,
        cache: Option<Cache>,
        compile_with: Option<CompileCommand>,
    ) -> Result<Self> {
        let with_prefix = |cache| (cache, KeyPrefix::new(engine.as_wasmtime(), &source));
        Ok(Self {
            world: World::parse(&source)?,
            max_bytes,
            cache: cache.map(with_prefix),
            compile_with,
            engine,
        })
    }

    /// Loads a component from a file. A file in the cache's index that has not changed is
    /// not read.
    pub(crate) fn load(&self, path: &Path) -> Result<Loaded> {
        let name = path.display().to_string();
        if let Some(loaded) = self.load_indexed(&name, path)? {
            return Ok(loaded);
        }
        let file = self.open(path)?;
        let bytes = self.read_open(path, &file)?;
        self.prepare(&name, &bytes, file.unchanged())
    }

    /// Loads a component from its bytes.
    pub(crate) fn load_bytes(&self, name: &str, bytes: &[u8]) -> Result<Loaded> {
        self.check_size(name, bytes)?;
        self.prepare(name, bytes, None)
    }

    /// Returns the requests of the component in a file. A file in the cache's index that
    /// has not changed is not read.
    pub(crate) fn requests(&self, path: &Path) -> Result<PermissionRequests> {
        let name = path.display().to_string();
        let entry = self
            .cache_for(path)
            .and_then(|(cache, prefix, identity)| cache.index_entry(prefix, &identity));
        match entry {
            Some(entry) => PermissionRequests::read(&name, &entry.requests),
            None => PermissionRequests::of(&name, &self.read(path)?),
        }
    }

    /// Reads a component's file; refuses a file larger than the maximum.
    pub(crate) fn read(&self, path: &Path) -> Result<Vec<u8>> {
        self.read_open(path, &self.open(path)?)
    }

    fn open(&self, path: &Path) -> Result<ComponentFile> {
        let file = ComponentFile::open(path).map_err(|source| cannot_read(path, source))?;
        match file.length > self.max_bytes {
            true => Err(self.too_large(&path.display().to_string())),
            false => Ok(file),
        }
    }

    fn read_open(&self, path: &Path, file: &ComponentFile) -> Result<Vec<u8>> {
        let bytes = file.read(self.max_bytes);
        let bytes = bytes.map_err(|source| cannot_read(path, source))?;
        bytes.ok_or_else(|| self.too_large(&path.display().to_string()))
    }

    fn too_large(&self, name: &str) -> Error {
        Error::Limit {
            plugin: name.into(),
            function: "load".into(),
            limit: Limit::Component(self.max_bytes),
        }
    }

    /// Loads a component through the cache's index, without reading its file.
    fn load_indexed(&self, name: &str, path: &Path) -> Result<Option<Loaded>> {
        let Some((cache, prefix, identity)) = self.cache_for(path) else {
            return Ok(None);
        };
        let engine = self.engine.as_wasmtime();
        let Some((component, entry)) = cache.indexed_component(engine, prefix, &identity) else {
            return Ok(None);
        };
        let ready = Ready {
            component,
            host_bytes: entry.host_bytes,
            origin: Origin::Cache,
        };
        Ok(Some(Loaded {
            ready,
            requests: PermissionRequests::read(name, &entry.requests)?,
            bytes: identity.length(),
        }))
    }

    /// Returns the cache, the key prefix and the file's identity, if there is a cache and
    /// the file is not too large. A host with a higher limit may have cached a larger one.
    fn cache_for(&self, path: &Path) -> Option<(&Cache, &KeyPrefix, FileIdentity)> {
        let (cache, prefix) = self.cache.as_ref()?;
        let identity = FileIdentity::of(&fs::metadata(path).ok()?)?;
        let fits = identity.length() <= self.max_bytes;
        fits.then_some((cache, prefix, identity))
    }

    /// Takes a component from the cache or compiles it: for the engine with slots if it
    /// fits, otherwise for the engine without. `unchanged` is the identity of the file
    /// that the bytes were read from, for the cache's index.
    fn prepare(
        &self,
        name: &str,
        bytes: &[u8],
        unchanged: Option<(FileIdentity, SystemTime)>,
    ) -> Result<Loaded> {
        let text = PermissionRequests::text(name, bytes)?;
        let requests = PermissionRequests::read(name, text)?;
        let cache = self.cache.as_ref();
        let cache = cache.map(|(cache, prefix)| (cache, prefix, prefix.key(bytes)));
        let component = |engine: &Engine| {
            let wasmtime = engine.as_wasmtime();
            let compile = || self.compile(engine, name, bytes);
            let cannot = |source| Error::compile(name, source);
            match &cache {
                Some((cache, _, key)) => cache.get_or_compile(wasmtime, key, name, compile),
                None => {
                    let compiled = compile()?;
                    Ok(Ready {
                        host_bytes: compiled.host_bytes,
                        component: compiled.into_component(wasmtime).map_err(cannot)?,
                        origin: Origin::Compiled,
                    })
                }
            }
        };
        let mut loaded = component(&self.engine);
        if let Err(Error::Compile { source, .. }) = &loaded
            && wasmtime_errors::is_too_large_for_slots(source)
            && let Ok(engine) = self.engine.without_slots()
        {
            loaded = component(&engine);
        }
        let ready = loaded?;
        if let (Some((cache, prefix, key)), Some((identity, time))) = (cache, unchanged) {
            let entry = IndexEntry::new(key, text, ready.host_bytes);
            cache.store_index_entry(prefix, &identity, time, &entry);
        }
        Ok(Loaded {
            ready,
            requests,
            bytes: bytes.len(),
        })
    }

    /// Checks and compiles a component. Components in the cache were checked against the
    /// same contract before they were stored.
    fn compile(&self, engine: &Engine, name: &str, bytes: &[u8]) -> Result<Compiled> {
        let host_bytes = self.check(name, bytes)?;
        if let Some(command) = &self.compile_with {
            let artifact = command.compile(name, bytes, engine.config().fuel)?;
            return Ok(Compiled::artifact(artifact, host_bytes));
        }
        let component = Component::from_binary(engine.as_wasmtime(), bytes);
        component
            .map(|component| Compiled::component(component, host_bytes))
            .map_err(|source| Error::compile(name, source))
    }

    fn check_size(&self, name: &str, bytes: &[u8]) -> Result<()> {
        match bytes.len() > self.max_bytes {
            true => Err(self.too_large(name)),
            false => Ok(()),
        }
    }

    /// Checks a component against the contract, without compiling it. Returns an estimate
    /// of the bytes that the host keeps for the core instances of one instance.
    pub(crate) fn check(&self, name: &str, bytes: &[u8]) -> Result<usize> {
        self.check_size(name, bytes)?;
        match Kind::of(bytes) {
            Kind::Component => self.world.check(name, bytes),
            found => Err(Error::NotAComponent {
                plugin: name.into(),
                found,
            }),
        }
    }
}

fn cannot_read(path: &Path, source: io::Error) -> Error {
    Error::Read {
        path: path.to_owned(),
        source,
    }
}
