//! The loader, which prepares a component for linking: reads its file, checks it, and
//! compiles it unless the cache has its artifact.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use wasmtime::component::Component;

use super::cache::{ArtifactKey, Cache, ContractCache, FileIdentity};
use super::compiled::{Compiled, Origin, Ready};
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
    cache: Option<ContractCache>,
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
        let of_contract = |cache| ContractCache::new(cache, engine.as_wasmtime(), &source);
        Ok(Self {
            world: World::parse(&source)?,
            max_bytes,
            cache: cache.map(of_contract),
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
        let cache = self.cache.as_ref();
        let requests = cache.and_then(|cache| cache.indexed_requests(path, self.max_bytes));
        match requests {
            Some(requests) => PermissionRequests::read(&name, &requests),
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
        let engine = self.engine.as_wasmtime();
        let cache = self.cache.as_ref();
        let Some(indexed) = cache.and_then(|it| it.indexed(engine, path, self.max_bytes)) else {
            return Ok(None);
        };
        Ok(Some(Loaded {
            requests: PermissionRequests::read(name, &indexed.requests)?,
            ready: indexed.ready,
            bytes: indexed.bytes,
        }))
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
        let cache = self.cache.as_ref().map(|cache| (cache, cache.key(bytes)));
        let mut loaded = self.component(&self.engine, name, bytes, cache.as_ref());
        if let Err(Error::Compile { source, .. }) = &loaded
            && wasmtime_errors::is_too_large_for_slots(source)
            && let Ok(engine) = self.engine.without_slots()
        {
            loaded = self.component(&engine, name, bytes, cache.as_ref());
        }
        let ready = loaded?;
        if let (Some((cache, key)), Some(unchanged)) = (cache, unchanged) {
            cache.index(key, &unchanged, text, ready.host_bytes);
        }
        Ok(Loaded {
            ready,
            requests,
            bytes: bytes.len(),
        })
    }

    /// Takes a component from the cache, or compiles it, for one engine.
    fn component(
        &self,
        engine: &Engine,
        name: &str,
        bytes: &[u8],
        cache: Option<&(&ContractCache, ArtifactKey)>,
    ) -> Result<Ready> {
        let wasmtime = engine.as_wasmtime();
        let compile = || self.compile(engine, name, bytes);
        match cache {
            Some((cache, key)) => cache.get_or_compile(wasmtime, key, name, compile),
            None => Ready::new(compile()?, wasmtime, Origin::Compiled)
                .map_err(|source| Error::compile(name, source)),
        }
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
