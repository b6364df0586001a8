//! Gets a component ready to be linked: reads its file, checks it, and compiles it
//! unless the cache has its machine code.

use std::path::Path;
use std::time::SystemTime;
use std::{fs, io};

use wasmtime::component::Component;

use super::cache::{Cache, Compiled, Compiler, FileIdentity, IndexEntry, Origin, Ready};
use super::component_file::ComponentFile;
use super::contract::World;
use super::isolation::CompileCommand;
use crate::engine::wasmtime_errors;
use crate::inspect::Kind;
use crate::limits::Limit;
use crate::{Engine, Error, PermissionRequests, Result};

/// What loads the components of one contract for one engine.
pub(crate) struct Loader {
    engine: Engine,
    world: World,
    /// The most bytes of a component.
    most: usize,
    /// Where compiled components are kept, and what makes an artifact of one.
    cache: Option<(Cache, Compiler)>,
    /// What compiles components, in a process of its own.
    compile_with: Option<CompileCommand>,
}

/// A contract's WIT: the source, the world in it, and the names of interfaces that a
/// plugin may export besides.
#[derive(Clone, Copy)]
pub(crate) struct ContractSource {
    pub(crate) wit: &'static str,
    pub(crate) world: &'static str,
    pub(crate) optional: &'static [&'static str],
}

/// A component that can be linked, and what came with it. It is for the loader's engine,
/// or for the same one without slots where it needs more than a slot has.
pub(crate) struct Loaded {
    pub(crate) ready: Ready,
    pub(crate) requests: PermissionRequests,
    /// Bytes of the component.
    pub(crate) bytes: usize,
}

impl Loader {
    /// # Errors
    /// [`Error::Contract`] for WIT that does not parse.
    pub(crate) fn new(
        engine: Engine,
        source: ContractSource,
        most: usize,
        cache: Option<Cache>,
        compile_with: Option<CompileCommand>,
    ) -> Result<Self> {
        let ContractSource {
            wit,
            world,
            optional,
        } = source;
        let compiler = |cache| {
            (
                cache,
                Compiler::new(engine.as_wasmtime(), wit, world, optional),
            )
        };
        Ok(Self {
            world: World::parse(wit, world, optional)?,
            most,
            cache: cache.map(compiler),
            compile_with,
            engine,
        })
    }

    /// Loads a component from a file. A file that the cache knows, and that has not
    /// changed since, is not read.
    pub(crate) fn load(&self, path: &Path) -> Result<Loaded> {
        let name = path.display().to_string();
        if let Some(loaded) = self.find_unread(&name, path)? {
            return Ok(loaded);
        }
        let file = self.open(path)?;
        let bytes = self.read_open(path, &file)?;
        self.find(&name, &bytes, file.unchanged())
    }

    /// Loads a component from its bytes.
    pub(crate) fn load_bytes(&self, name: &str, bytes: &[u8]) -> Result<Loaded> {
        self.check_size(name, bytes)?;
        self.find(name, bytes, None)
    }

    /// What the component in a file requests; it is not read if the cache knows it.
    pub(crate) fn requests(&self, path: &Path) -> Result<PermissionRequests> {
        let name = path.display().to_string();
        let known = self
            .looked_at(path)
            .and_then(|(cache, compiler, identity)| cache.known(compiler, &identity));
        match known {
            Some(known) => PermissionRequests::read(&name, &known.requests),
            None => PermissionRequests::of(&name, &self.read(path)?),
        }
    }

    /// Reads a component's file, but never more than a component may have.
    pub(crate) fn read(&self, path: &Path) -> Result<Vec<u8>> {
        self.read_open(path, &self.open(path)?)
    }

    fn open(&self, path: &Path) -> Result<ComponentFile> {
        let file = ComponentFile::open(path).map_err(|source| cannot_read(path, source))?;
        match file.length > self.most {
            true => Err(self.too_large(&path.display().to_string())),
            false => Ok(file),
        }
    }

    fn read_open(&self, path: &Path, file: &ComponentFile) -> Result<Vec<u8>> {
        let bytes = file.read(self.most);
        let bytes = bytes.map_err(|source| cannot_read(path, source))?;
        bytes.ok_or_else(|| self.too_large(&path.display().to_string()))
    }

    fn too_large(&self, name: &str) -> Error {
        Error::Limit {
            plugin: name.into(),
            function: "load".into(),
            limit: Limit::Component(self.most),
        }
    }

    /// What the cache has of a file that it knows.
    fn find_unread(&self, name: &str, path: &Path) -> Result<Option<Loaded>> {
        let Some((cache, compiler, identity)) = self.looked_at(path) else {
            return Ok(None);
        };
        let engine = self.engine.as_wasmtime();
        let Some((component, known)) = cache.known_component(engine, compiler, &identity) else {
            return Ok(None);
        };
        let ready = Ready {
            component,
            setup: known.setup,
            origin: Origin::Cache,
        };
        Ok(Some(Loaded {
            ready,
            requests: PermissionRequests::read(name, &known.requests)?,
            bytes: identity.length(),
        }))
    }

    /// What it takes to look for a file in the cache, if it may be there. What
    /// is too large has been loaded by a host of other limits at most.
    fn looked_at(&self, path: &Path) -> Option<(&Cache, &Compiler, FileIdentity)> {
        let (cache, compiler) = self.cache.as_ref()?;
        let identity = FileIdentity::of(&fs::metadata(path).ok()?)?;
        let fits = identity.length() <= self.most;
        fits.then_some((cache, compiler, identity))
    }

    /// The component in `bytes`, ready for slots, or else for outside of them.
    /// If they are what was read of a file that is `unchanged` since it was
    /// looked at, the cache knows that file from then on.
    fn find(
        &self,
        name: &str,
        bytes: &[u8],
        unchanged: Option<(FileIdentity, SystemTime)>,
    ) -> Result<Loaded> {
        let text = PermissionRequests::text(name, bytes)?;
        let requests = PermissionRequests::read(name, text)?;
        let cache = self.cache.as_ref();
        let cache = cache.map(|(cache, compiler)| (cache, compiler, compiler.key(bytes)));
        let component = |engine: &Engine| {
            let wasmtime = engine.as_wasmtime();
            let compile = || self.compile(engine, name, bytes);
            let cannot = |source| Error::compile(name, source);
            match &cache {
                Some((cache, _, key)) => cache.component(wasmtime, key, name, compile),
                None => {
                    let compiled = compile()?;
                    Ok(Ready {
                        setup: compiled.setup,
                        component: compiled.into_component(wasmtime).map_err(cannot)?,
                        origin: Origin::Compiled,
                    })
                }
            }
        };
        let mut loaded = component(&self.engine);
        if let Err(Error::Compile { source, .. }) = &loaded
            && wasmtime_errors::is_too_large_for_slots(source)
            && let Ok(outside) = self.engine.without_slots()
        {
            loaded = component(&outside);
        }
        let ready = loaded?;
        if let (Some((cache, compiler, key)), Some((identity, time))) = (cache, unchanged) {
            let known = IndexEntry::new(key, text, ready.setup);
            cache.remember(compiler, &identity, time, &known);
        }
        Ok(Loaded {
            ready,
            requests,
            bytes: bytes.len(),
        })
    }

    /// What is in the cache was checked before it came there, against the same
    /// contract; all else is checked before it is compiled.
    fn compile(&self, engine: &Engine, name: &str, bytes: &[u8]) -> Result<Compiled> {
        let setup = self.check(name, bytes)?;
        if let Some(command) = &self.compile_with {
            let artifact = command.compile(name, bytes, engine.config().fuel)?;
            return Ok(Compiled::artifact(artifact, setup));
        }
        let component = Component::from_binary(engine.as_wasmtime(), bytes);
        component
            .map(|component| Compiled::component(component, setup))
            .map_err(|source| Error::compile(name, source))
    }

    fn check_size(&self, name: &str, bytes: &[u8]) -> Result<()> {
        match bytes.len() > self.most {
            true => Err(self.too_large(name)),
            false => Ok(()),
        }
    }

    /// Checks that bytes are a component of this contract, and nothing more. Gives the
    /// bytes that the host keeps for the core instances of one instance, about.
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
