//! A contract, linked to what the host gives: where plugins are loaded.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use wasmtime::component::Component;

use crate::cache::{Cache, Compiler, Origin};
use crate::contract::{Contract, World};
use crate::grants::Granted;
use crate::inspect::Kind;
use crate::limits::Limit;
use crate::observer::{Event, Observer, Silent};
use crate::prepared::{Linked, Prepared};
use crate::slots;
use crate::{Engine, EngineConfig, Error, Grants, Limits, Plugin, Requests, Result};

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
    /// The time limit in ticks of the epoch clock.
    pub(crate) ticks: u64,
    pub(crate) observer: Arc<dyn Observer>,
    /// What its plugins get unless they have grants of their own.
    pub(crate) granted: Arc<Granted>,
    /// Where compiled plugins are kept, and what makes an artifact of one.
    cache: Option<(Cache, Compiler)>,
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
            grants: Grants::default(),
            observer: Arc::new(Silent),
            cache: None,
            slots: slots::DEFAULT,
            contract: std::marker::PhantomData,
        }
    }

    /// Loads a plugin from a file; it is called by the file's path.
    ///
    /// Compiles the component, which takes milliseconds for a small one and
    /// many seconds of all cores for one that carries a language's runtime,
    /// unless the host has a [`Cache`] that has it compiled.
    ///
    /// # Errors
    /// [`Error::Read`], and all of [`Host::load_bytes`].
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Plugin<C>> {
        let path = path.as_ref();
        let name = path.display().to_string();
        self.load_bytes(&name, &self.read(path)?)
    }

    /// Reads a plugin's file, but never more than a plugin may have: it may be
    /// a device without end. For whoever looks at a plugin before loading it,
    /// and would load what was looked at.
    ///
    /// # Errors
    /// [`Error::Read`], and [`Error::Limit`] for a file that is too large.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Vec<u8>> {
        let path = path.as_ref();
        let most = self.inner.limits.component;
        let read = || {
            let file = File::open(path)?;
            let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
            if length > most {
                return Ok(None);
            }
            let mut bytes = Vec::with_capacity(length);
            file.take((most as u64).saturating_add(1))
                .read_to_end(&mut bytes)?;
            Ok((bytes.len() <= most).then_some(bytes))
        };
        let bytes = read().map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
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
    /// for a component of another contract; [`Error::Compile`] and
    /// [`Error::Link`] for one that this host cannot run; [`Error::Requests`]
    /// for one whose requests cannot be read.
    pub fn load_bytes(&self, name: &str, bytes: &[u8]) -> Result<Plugin<C>> {
        let start = Instant::now();
        self.check_size(name, bytes)?;
        let requests = Requests::of(name, bytes)?;
        let (prepared, origin) = self.prepare(name, bytes)?;
        self.inner.observer.event(&Event::Loaded {
            plugin: name,
            bytes: bytes.len(),
            elapsed: start.elapsed(),
            was_kept: matches!(origin, Origin::Kept),
        });
        if let Origin::NotKept(error) = &origin {
            let plugin = name;
            self.inner.observer.event(&Event::NotKept { plugin, error });
        }
        Ok(Plugin::new(self.clone(), name, prepared, requests))
    }

    /// The component in `bytes`, ready for slots, or else for outside of them.
    fn prepare(&self, name: &str, bytes: &[u8]) -> Result<(Prepared<C>, Origin)> {
        let mut linked = &self.inner.linked;
        let mut loaded = self.component(&linked.engine, name, bytes);
        if let Err(Error::Compile { source, .. }) = &loaded
            && slots::are_too_small(source)
            && let Some(outside) = self.inner.outside()
        {
            linked = outside;
            loaded = self.component(&linked.engine, name, bytes);
        }
        let (component, origin) = loaded?;
        let prepared = linked.prepare(component).map_err(|source| Error::Link {
            plugin: name.into(),
            source,
        })?;
        Ok((prepared, origin))
    }

    /// The component in `bytes`: mapped from the cache, or checked and compiled.
    /// What is in the cache was checked before it came there, against the same
    /// contract.
    fn component(&self, engine: &Engine, name: &str, bytes: &[u8]) -> Result<(Component, Origin)> {
        let engine = engine.as_wasmtime();
        let compile = || {
            self.check(name, bytes)?;
            Component::from_binary(engine, bytes).map_err(|source| Error::Compile {
                plugin: name.into(),
                source,
            })
        };
        match &self.inner.cache {
            Some((cache, compiler)) => cache.component(engine, &compiler.key(bytes), name, compile),
            None => Ok((compile()?, Origin::Compiled)),
        }
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
    grants: Grants,
    observer: Arc<dyn Observer>,
    cache: Option<Cache>,
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
            .with_slots(slots::within(self.slots, &self.limits));
        let engine = Engine::shared(&config)?;
        engine.tell_fewer(&*self.observer);
        let world = World::parse(C::WIT, C::WORLD, C::OPTIONAL)?;
        let linked = Linked::new(engine)?;
        let granted = Arc::new(Granted::open(&self.grants)?);
        let Self {
            limits,
            grants: _,
            observer,
            cache,
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
                observer,
                granted,
                cache,
            }),
        })
    }
}
