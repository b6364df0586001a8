//! The loader, which prepares a component for linking: reads its file, checks it, and
//! compiles it unless the cache has its artifact.

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use wasmtime::component::Component;

use super::cache::{ArtifactKey, Cache, ContractCache, FileIdentity};
use super::compiled::{Fresh, Needs, Origin, Ready};
use super::compiler::Compiler;
use super::component_file::ComponentFile;
use super::contract::{Checked, ContractSource, World};
use super::isolation::CompileCommand;
use super::shared_modules::split;
use super::thin::ThinComponent;
use crate::engine::{ModuleHash, SharedModule, wasmtime_errors};
use crate::error::ThinError;
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
    /// Whether plugins share large core modules.
    shares_modules: bool,
    /// Core modules that thin components may need.
    runtimes: Vec<Cow<'static, [u8]>>,
}

/// A component that is ready to be linked, with its requests. It is for the loader's
/// engine, or, if it does not fit into a slot, for the same engine without slots.
pub(crate) struct Loaded {
    pub(crate) ready: Ready<Component>,
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
        shares_modules: bool,
        runtimes: Vec<Cow<'static, [u8]>>,
    ) -> Result<Self> {
        let of_contract = |cache| ContractCache::new(cache, &engine, &source, shares_modules);
        Ok(Self {
            world: World::parse(&source)?,
            max_bytes,
            cache: cache.map(of_contract),
            compile_with,
            shares_modules,
            runtimes,
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
        let whole = self.whole(name, Cow::Borrowed(bytes))?;
        self.prepare(name, &whole, None)
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
        let name = path.display().to_string();
        let bytes = bytes.ok_or_else(|| self.too_large(&name))?;
        Ok(self.whole(&name, Cow::Owned(bytes))?.into_owned())
    }

    /// The whole component, if the bytes are a thin one.
    fn whole<'a>(&self, name: &str, bytes: Cow<'a, [u8]>) -> Result<Cow<'a, [u8]>> {
        let restored = match ThinComponent::read(&bytes) {
            Ok(None) => None,
            Ok(Some(thin)) => Some(thin.restore(self.max_bytes, |hash| self.runtime(hash))),
            Err(error) => Some(Err(error)),
        };
        match restored {
            None => Ok(bytes),
            Some(Ok(whole)) => Ok(Cow::Owned(whole)),
            Some(Err(ThinError::TooLarge(_))) => Err(self.too_large(name)),
            Some(Err(source)) => Err(Error::Thin {
                plugin: name.into(),
                source,
            }),
        }
    }

    /// The bytes of the core module with this hash, from those that the embedder has given
    /// and those in the cache.
    fn runtime(&self, hash: &str) -> Option<Cow<'_, [u8]>> {
        let wanted: ModuleHash = hash.parse().ok()?;
        let mut given = self.runtimes.iter();
        if let Some(given) = given.find(|module| ModuleHash::of(module) == wanted) {
            return Some(Cow::Borrowed(given));
        }
        let cached = self.cache.as_ref()?.runtime(wanted, self.max_bytes)?;
        Some(Cow::Owned(cached))
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
        let cache = self.cache.as_ref();
        let indexed = cache.and_then(|it| it.indexed(&self.engine, path, self.max_bytes));
        let Some(indexed) = indexed else {
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
            cache.index(&self.engine, key, &unchanged, text, &ready.needs);
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
    ) -> Result<Ready<Component>> {
        let compile = || self.compile(engine, name, bytes);
        match cache {
            Some((cache, key)) => cache.get_or_compile(engine, key, name, compile),
            None => {
                let fresh = compile()?;
                let engine = engine.for_plugin(fresh.needs.concurrency)?;
                let code = fresh.code.into_code(engine.as_wasmtime());
                Ok(Ready {
                    code: code.map_err(|source| Error::compile(name, source))?,
                    needs: fresh.needs,
                    origin: Origin::Compiled,
                })
            }
        }
    }

    /// Checks and compiles a component. Components in the cache were checked against the
    /// same contract before they were stored.
    fn compile(&self, engine: &Engine, name: &str, bytes: &[u8]) -> Result<Fresh<Component>> {
        let Checked {
            size,
            needs_concurrency: concurrency,
        } = self.check(name, bytes)?;
        let engine = engine.for_plugin(concurrency)?;
        let compiler = Compiler::new(&engine, self.compile_with.as_ref(), name);
        let split = self.shares_modules.then(|| split(bytes)).flatten();
        let (mut modules, mut stored) = (Vec::new(), Ok(()));
        for (hash, module) in split.iter().flat_map(|split| &split.modules) {
            let (module, was_stored) = self.module(&compiler, *hash, module)?;
            modules.push(module);
            stored = stored.and(was_stored);
        }
        let rest = split.as_ref().map_or(bytes, |split| &split.component);
        Ok(Fresh {
            code: compiler.compile(rest)?,
            needs: Needs {
                size,
                concurrency,
                modules,
            },
            modules_stored: stored,
        })
    }

    /// Takes a core module from those in use or from the cache, or compiles it. Also
    /// returns the error if the cache could not store it.
    fn module(
        &self,
        compiler: &Compiler<'_>,
        hash: ModuleHash,
        bytes: &[u8],
    ) -> Result<(Arc<SharedModule>, io::Result<()>)> {
        let mut stored = Ok(());
        let make = || {
            let compile = || {
                Ok(Fresh {
                    code: compiler.compile(bytes)?,
                    needs: Needs::default(),
                    modules_stored: Ok(()),
                })
            };
            let Some(cache) = &self.cache else {
                return compiler.load(compile()?.code);
            };
            let ready =
                cache.get_or_compile_module(compiler.engine, hash, compiler.plugin, compile)?;
            match ready.origin {
                Origin::CacheWriteFailed(error) => stored = Err(error),
                Origin::Compiled | Origin::Cache => stored = cache.store_runtime(hash, bytes),
            }
            Ok(ready.code)
        };
        let module = compiler.engine.shared_modules().get_or_make(hash, make)?;
        Ok((module, stored))
    }

    fn check_size(&self, name: &str, bytes: &[u8]) -> Result<()> {
        match bytes.len() > self.max_bytes {
            true => Err(self.too_large(name)),
            false => Ok(()),
        }
    }

    /// Checks a component against the contract, without compiling it.
    pub(crate) fn check(&self, name: &str, bytes: &[u8]) -> Result<Checked> {
        self.check_size(name, bytes)?;
        let bytes = &*self.whole(name, Cow::Borrowed(bytes))?;
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
