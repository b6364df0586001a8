//! A contract, linked to what the host gives: where plugins are loaded.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};
use std::{fs, io};

use wasmtime::component::Component;

use crate::engine::slots;
use crate::inspect::Kind;
use crate::limits::Limit;
use crate::load::cache::{Cache, Compiled, Compiler, Identity, Known, Origin};
use crate::load::component_file::ComponentFile;
use crate::load::contract::World;
use crate::observer::{Event, Observer, Silent};
use crate::runtime::prepared::Linked;
use crate::wasi::Granted;
use crate::{
    Budget, CompileCommand, Contract, Engine, EngineConfig, Error, Grants, Limits, Plugin,
    Requests, Result,
};

/// Loads plugins of one contract and holds what they share: the engine, the
/// linked host functions, the limits, the observer. Cheap to clone; a clone is
/// the same host. Lives as long as any of its plugins.
pub struct Host<C: Contract> {
    pub(crate) inner: Arc<Inner<C>>,
}

pub(crate) struct Inner<C: Contract> {
    pub(crate) linked: Linked<C>,
    /// The same for what has no place in the engine's slots; made when there is
    /// such a thing.
    outside: OnceLock<Option<Linked<C>>>,
    pub(crate) world: World,
    pub(crate) limits: Limits,
    pub(crate) budget: Budget,
    /// The time limit in ticks of the epoch clock.
    pub(crate) ticks: u64,
    pub(crate) observer: Arc<dyn Observer>,
    /// What its plugins get unless they have grants of their own.
    pub(crate) granted: Arc<Granted>,
    /// Where compiled plugins are kept, and what makes an artifact of one.
    cache: Option<(Cache, Compiler)>,
    /// What compiles large components.
    compile_with: Option<CompileCommand>,
}

/// A component that can be linked, what it is linked to, and what came with it.
struct Found<'a, C: Contract> {
    linked: &'a Linked<C>,
    component: Component,
    origin: Origin,
    requests: Requests,
}

impl<C: Contract> Clone for Host<C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<C: Contract> Host<C> {
    /// A host with the default limits that drops all log records and events.
    ///
    /// # Errors
    /// [`Error::Engine`] when this machine cannot run wasmtime's code;
    /// [`Error::Contract`] when the contract's WIT or its functions are faulty.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Starts a host with limits or an observer of your own.
    #[must_use]
    pub fn builder() -> HostBuilder<C> {
        HostBuilder {
            limits: Limits::default(),
            budget: None,
            grants: Grants::default(),
            observer: Arc::new(Silent),
            cache: None,
            compile_with: None,
            slots: slots::DEFAULT,
            contract: std::marker::PhantomData,
        }
    }

    /// Loads a plugin from a file; it is called by the file's path.
    ///
    /// Compiles the component, which takes milliseconds for a small one and
    /// many seconds of all cores for one that carries a language's runtime,
    /// unless the host has a [`Cache`] that has it compiled. A file that the
    /// cache knows, and that has not changed since, is not even read.
    ///
    /// # Errors
    /// [`Error::Read`], and all of [`Host::load_bytes`].
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Plugin<C>> {
        let start = Instant::now();
        let path = path.as_ref();
        let name = path.display().to_string();
        if let Some((length, found)) = self.find_unread(&name, path)? {
            return self.finish(&name, length, start, found);
        }
        let file = self.open(path)?;
        let bytes = self.read_open(path, &file)?;
        let found = self.find(&name, &bytes, file.unchanged())?;
        self.finish(&name, bytes.len(), start, found)
    }

    /// What the plugin in a file requests, before it is loaded. A file that the
    /// host's [`Cache`] knows, and that has not changed since, is not read.
    ///
    /// # Errors
    /// As for [`Host::read`] and [`Requests::of`].
    pub fn requests(&self, path: impl AsRef<Path>) -> Result<Requests> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let known = self
            .looked_at(path)
            .and_then(|(cache, compiler, identity)| cache.known(compiler, &identity));
        match known {
            Some(known) => Requests::read(&name, &known.requests),
            None => Requests::of(&name, &self.read(path)?),
        }
    }

    /// Reads a plugin's file, but never more than a plugin may have: it may be
    /// a device without end. For whoever looks at a plugin before loading it,
    /// and would load what was looked at.
    ///
    /// # Errors
    /// [`Error::Read`], and [`Error::Limit`] for a file that is too large.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Vec<u8>> {
        let path = path.as_ref();
        self.read_open(path, &self.open(path)?)
    }

    fn open(&self, path: &Path) -> Result<ComponentFile> {
        let file = ComponentFile::open(path).map_err(|source| cannot_read(path, source))?;
        match file.length > self.inner.limits.component {
            true => Err(self.too_large(&path.display().to_string())),
            false => Ok(file),
        }
    }

    fn read_open(&self, path: &Path, file: &ComponentFile) -> Result<Vec<u8>> {
        let bytes = file.read(self.inner.limits.component);
        let bytes = bytes.map_err(|source| cannot_read(path, source))?;
        bytes.ok_or_else(|| self.too_large(&path.display().to_string()))
    }

    fn too_large(&self, name: &str) -> Error {
        Error::Limit {
            plugin: name.into(),
            function: "load".into(),
            limit: Limit::Component(self.inner.limits.component),
        }
    }

    /// Loads a plugin from a component's bytes; `name` is how errors and log
    /// records call it.
    ///
    /// # Errors
    /// [`Error::Limit`] and [`Error::TooLarge`] for too many bytes or parts;
    /// [`Error::NotAComponent`], [`Error::Malformed`] for wrong bytes;
    /// [`Error::MissingExport`], [`Error::WrongType`], [`Error::UnknownImport`]
    /// for a component of another contract; [`Error::Compile`],
    /// [`Error::CompileProcess`] and [`Error::Link`] for one that this host
    /// cannot run; [`Error::Requests`]
    /// for one whose requests cannot be read.
    pub fn load_bytes(&self, name: &str, bytes: &[u8]) -> Result<Plugin<C>> {
        let start = Instant::now();
        self.check_size(name, bytes)?;
        let found = self.find(name, bytes, None)?;
        self.finish(name, bytes.len(), start, found)
    }

    /// What the cache has of a file that it knows, and the file's length.
    fn find_unread(&self, name: &str, path: &Path) -> Result<Option<(usize, Found<'_, C>)>> {
        let Some((cache, compiler, identity)) = self.looked_at(path) else {
            return Ok(None);
        };
        let linked = &self.inner.linked;
        let engine = linked.engine.as_wasmtime();
        let Some((component, known)) = cache.known_component(engine, compiler, &identity) else {
            return Ok(None);
        };
        let found = Found {
            linked,
            component,
            origin: Origin::Kept,
            requests: Requests::read(name, &known.requests)?,
        };
        Ok(Some((identity.length(), found)))
    }

    /// What it takes to look for a file in the cache, if it may be there. What
    /// is too large has been loaded by a host of other limits at most.
    fn looked_at(&self, path: &Path) -> Option<(&Cache, &Compiler, Identity)> {
        let (cache, compiler) = self.inner.cache.as_ref()?;
        let identity = Identity::of(&fs::metadata(path).ok()?)?;
        let fits = identity.length() <= self.inner.limits.component;
        fits.then_some((cache, compiler, identity))
    }

    /// The component in `bytes`, ready for slots, or else for outside of them.
    /// If they are what was read of a file that is `unchanged` since it was
    /// looked at, the cache knows that file from then on.
    fn find(
        &self,
        name: &str,
        bytes: &[u8],
        unchanged: Option<(Identity, SystemTime)>,
    ) -> Result<Found<'_, C>> {
        let text = Requests::text(name, bytes)?;
        let requests = Requests::read(name, text)?;
        let cache = self.inner.cache.as_ref();
        let cache = cache.map(|(cache, compiler)| (cache, compiler, compiler.key(bytes)));
        let component = |linked: &Linked<C>| {
            let engine = linked.engine.as_wasmtime();
            let compile = || self.compile(linked, name, bytes);
            let cannot = |source| Error::compile(name, source);
            match &cache {
                Some((cache, _, key)) => cache.component(engine, key, name, compile),
                None => {
                    let component = compile()?.into_component(engine).map_err(cannot)?;
                    Ok((component, Origin::Compiled))
                }
            }
        };
        let mut linked = &self.inner.linked;
        let mut loaded = component(linked);
        if let Err(Error::Compile { source, .. }) = &loaded
            && slots::are_too_small(source)
            && let Some(outside) = self.inner.outside()
        {
            linked = outside;
            loaded = component(linked);
        }
        let (component, origin) = loaded?;
        if let (Some((cache, compiler, key)), Some((identity, time))) = (cache, unchanged) {
            cache.remember(compiler, &identity, time, &Known::new(key, text));
        }
        Ok(Found {
            linked,
            component,
            origin,
            requests,
        })
    }

    /// What is in the cache was checked before it came there, against the same
    /// contract; all else is checked before it is compiled.
    fn compile(&self, linked: &Linked<C>, name: &str, bytes: &[u8]) -> Result<Compiled> {
        self.check(name, bytes)?;
        let engine = &linked.engine;
        if let Some(command) = &self.inner.compile_with
            && command.takes(bytes)
        {
            let artifact = command.compile(name, bytes, engine.config().fuel)?;
            return Ok(Compiled::Artifact(artifact));
        }
        let component = Component::from_binary(engine.as_wasmtime(), bytes);
        component
            .map(Compiled::from)
            .map_err(|source| Error::compile(name, source))
    }

    /// The plugin of a component, linked.
    fn finish(
        &self,
        name: &str,
        bytes: usize,
        start: Instant,
        found: Found<'_, C>,
    ) -> Result<Plugin<C>> {
        let Found {
            linked,
            component,
            origin,
            requests,
        } = found;
        let prepared = linked
            .prepare(component)
            .map_err(|source| Error::link(name, source))?;
        self.inner.observer.event(&Event::Loaded {
            plugin: name,
            bytes,
            elapsed: start.elapsed(),
            was_kept: matches!(origin, Origin::Kept),
        });
        if let Origin::NotKept(error) = &origin {
            let plugin = name;
            self.inner.observer.event(&Event::NotKept { plugin, error });
        }
        Ok(Plugin::new(self.clone(), name, prepared, requests))
    }

    fn check_size(&self, name: &str, bytes: &[u8]) -> Result<()> {
        match bytes.len() > self.inner.limits.component {
            true => Err(self.too_large(name)),
            false => Ok(()),
        }
    }

    /// Checks that bytes are a component of this contract, and nothing more:
    /// compiles nothing, runs nothing.
    ///
    /// # Errors
    /// As [`Host::load_bytes`], without [`Error::Compile`], [`Error::Link`] and
    /// [`Error::Requests`].
    pub fn check(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.check_size(name, bytes)?;
        match Kind::of(bytes) {
            Kind::Component => self.inner.world.check(name, bytes),
            found => Err(Error::NotAComponent {
                plugin: name.into(),
                found,
            }),
        }
    }

    /// The engine that this host's plugins run on.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.linked.engine
    }

    /// Who hears of its plugins.
    #[must_use]
    pub fn observer(&self) -> &dyn Observer {
        &*self.inner.observer
    }

    /// What each plugin of this host may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }
}

fn cannot_read(path: &Path, source: io::Error) -> Error {
    Error::Read {
        path: path.to_owned(),
        source,
    }
}

impl<C: Contract> Inner<C> {
    /// Where instances live that have no place in slots, if they can anywhere.
    pub(crate) fn outside(&self) -> Option<&Linked<C>> {
        let make = || self.linked.without_slots().ok();
        self.outside.get_or_init(make).as_ref()
    }
}

/// Builds a [`Host`].
pub struct HostBuilder<C: Contract> {
    limits: Limits,
    budget: Option<Budget>,
    grants: Grants,
    observer: Arc<dyn Observer>,
    cache: Option<Cache>,
    compile_with: Option<CompileCommand>,
    slots: u32,
    contract: std::marker::PhantomData<C>,
}

impl<C: Contract> HostBuilder<C> {
    /// How much plugins may use. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How much its plugins may use together, and together with those of every
    /// other host that has the same budget. Default: [`Budget::of_process`].
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// What plugins may reach, all of them. Default: nothing. One plugin gets
    /// other grants by [`Plugin::with_grants`].
    #[must_use]
    pub fn grants(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// Who hears of log records and events. Default: [`Silent`].
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Where compiled plugins are kept, so that each is compiled once per
    /// machine. Default: nowhere.
    #[must_use]
    pub fn cache(mut self, cache: impl Into<Option<Cache>>) -> Self {
        self.cache = cache.into();
        self
    }

    /// What compiles large components, in a process of its own and within
    /// limits. Where that cannot be started the component is not loaded: it is
    /// never compiled in this process in its stead. Default: nothing, and all
    /// is compiled here.
    #[must_use]
    pub fn compile_with(mut self, command: impl Into<Option<CompileCommand>>) -> Self {
        self.compile_with = command.into();
        self
    }

    /// How many instances room is reserved for, in all hosts of this process that
    /// say the same number: see [`EngineConfig::slots`]. Default: 1,000.
    #[must_use]
    pub fn slots(mut self, slots: u32) -> Self {
        self.slots = slots;
        self
    }

    /// Makes the host: gets the shared engine and links WASI and the contract.
    ///
    /// # Errors
    /// As for [`Host::new`], and [`Error::Grant`] for a grant of something that
    /// is not there.
    pub fn build(self) -> Result<Host<C>> {
        let config = EngineConfig::default()
            .with_fuel(self.limits.fuel.is_some())
            .with_slots(slots::within(self.slots, self.limits.table_elements));
        let engine = Engine::shared(&config)?;
        engine.tell_fewer(&*self.observer);
        let world = World::parse(C::WIT, C::WORLD, C::OPTIONAL)?;
        let linked = Linked::new(engine)?;
        let granted = Arc::new(Granted::open(&self.grants)?);
        let Self {
            limits,
            budget,
            grants: _,
            observer,
            cache,
            compile_with,
            slots: _,
            contract: _,
        } = self;
        let compiler = |cache| {
            let engine = linked.engine.as_wasmtime();
            (cache, Compiler::new(engine, C::WIT, C::WORLD, C::OPTIONAL))
        };
        let cache = cache.map(compiler);
        Ok(Host {
            inner: Arc::new(Inner {
                linked,
                outside: OnceLock::new(),
                world,
                ticks: limits.ticks(),
                limits,
                budget: budget.unwrap_or_else(Budget::of_process),
                observer,
                granted,
                cache,
                compile_with,
            }),
        })
    }
}
