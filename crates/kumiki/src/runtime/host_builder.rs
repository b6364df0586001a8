//! The builder of a host.

use std::borrow::Cow;
use std::sync::Arc;

use super::contract::Contract;
use super::host::{Host, Inner};
use super::linked::Linked;
use crate::engine::slots;
use crate::load::{Cache, ContractSource, Loader};
use crate::observer::{Observer, Silent};
use crate::wasi::Granted;
use crate::{Budget, CompileCommand, Engine, EngineConfig, Error, Grants, Limits, Result};

/// The engine of a host: an [`Engine`], or the [`EngineConfig`] of a shared one.
#[derive(Clone)]
#[non_exhaustive]
pub enum EngineChoice {
    /// This engine.
    Engine(Engine),
    /// An engine with this configuration, adapted to the host's limits.
    Config(EngineConfig),
}

impl From<Engine> for EngineChoice {
    fn from(engine: Engine) -> Self {
        Self::Engine(engine)
    }
}

impl From<EngineConfig> for EngineChoice {
    fn from(config: EngineConfig) -> Self {
        Self::Config(config)
    }
}

impl EngineChoice {
    fn engine<C: Contract>(&self, limits: &Limits) -> Result<Engine> {
        match self {
            Self::Engine(engine) => {
                let EngineConfig {
                    fuel,
                    slots,
                    async_stacks,
                    concurrency,
                } = *engine.config();
                match limits.fuel {
                    Some(limit) if !fuel => Err(Error::FuelNotCounted { fuel: limit }),
                    _ if C::CONCURRENT && !concurrency => Err(Error::NoConcurrency),
                    _ if C::ASYNC && slots > 0 && !async_stacks => Err(Error::NoAsyncStacks),
                    _ => Ok(engine.clone()),
                }
            }
            Self::Config(config) => {
                let slots = slots::usable(config.slots, limits.table_elements);
                let config = config.clone().with_slots(slots);
                let counts_fuel = config.fuel || limits.fuel.is_some();
                let stacks = config.async_stacks || C::ASYNC;
                let config = config.with_fuel(counts_fuel).with_async_stacks(stacks);
                Engine::shared(&match C::CONCURRENT {
                    // Its instances need several stacks each.
                    true => config.with_slots(0).with_concurrency(true),
                    false => config,
                })
            }
        }
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
    shared_runtimes: bool,
    runtimes: Vec<Cow<'static, [u8]>>,
    engine: EngineChoice,
    contract: std::marker::PhantomData<C>,
}

impl<C: Contract> Host<C> {
    /// Creates a host with the default limits that discards all log records and events.
    ///
    /// # Errors
    /// [`Error::Engine`] when this machine cannot run wasmtime's code;
    /// [`Error::Contract`] when the contract's WIT or its functions are faulty.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Returns a builder, to set limits, grants, an observer and more.
    #[must_use]
    pub fn builder() -> HostBuilder<C> {
        HostBuilder {
            limits: Limits::default(),
            budget: None,
            grants: Grants::default(),
            observer: Arc::new(Silent),
            cache: None,
            compile_with: None,
            shared_runtimes: true,
            runtimes: Vec::new(),
            engine: EngineChoice::Config(EngineConfig::default()),
            contract: std::marker::PhantomData,
        }
    }
}

impl<C: Contract> HostBuilder<C> {
    /// Sets the resource limits of plugins. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the budget that this host's plugins share with those of every other host
    /// that has the same budget. Default: [`Budget::of_process`].
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets the grants of all plugins. Default: none. To set the grants of one plugin,
    /// use [`Plugin::with_grants`](crate::Plugin::with_grants).
    #[must_use]
    pub fn grants(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// Sets the observer of log records and events. Default: [`Silent`].
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Sets the compile cache, so that each plugin is compiled once per machine.
    /// Default: no cache.
    #[cfg(feature = "cache")]
    #[must_use]
    pub fn cache(mut self, cache: impl Into<Option<Cache>>) -> Self {
        self.cache = cache.into();
        self
    }

    /// Compiles all components in a separate process with its own limits. If that
    /// process cannot be started, loading fails: there is no fallback to this process.
    /// Default: compile in this process.
    #[must_use]
    pub fn compile_with(mut self, command: impl Into<Option<CompileCommand>>) -> Self {
        self.compile_with = command.into();
        self
    }

    /// Sets whether plugins share the runtime of their language: core modules with 64 KiB
    /// of code or more that several plugins contain are compiled once, and are in memory
    /// and in the [`Cache`](crate::Cache) once. A plugin's behaviour is the same either
    /// way. Default: true.
    #[must_use]
    pub fn shared_runtimes(mut self, share: bool) -> Self {
        self.shared_runtimes = share;
        self
    }

    /// Adds a core module that [thin components](crate::ThinComponent) may need: the
    /// runtime of a language, such as QuickJS. Without it, the runtimes of all plugins that
    /// were compiled with the same [`Cache`](crate::Cache) are known. Default: none.
    #[must_use]
    pub fn runtime(mut self, module: impl Into<Cow<'static, [u8]>>) -> Self {
        self.runtimes.push(module.into());
        self
    }

    /// Sets the engine: an [`Engine`], or the configuration of one that is shared by all
    /// hosts of this process with the same configuration. Default:
    /// [`EngineConfig::default`], which counts fuel if [`Limits::fuel`] is set, has no
    /// more slots than [`Limits::table_elements`] permits, and has stacks if the contract
    /// is [asynchronous](Contract::ASYNC).
    #[must_use]
    pub fn engine(mut self, engine: impl Into<EngineChoice>) -> Self {
        self.engine = engine.into();
        self
    }

    /// Sets the number of pool slots: short for
    /// `engine(EngineConfig::default().with_slots(slots))`.
    #[must_use]
    pub fn slots(self, slots: u32) -> Self {
        self.engine(EngineConfig::default().with_slots(slots))
    }

    /// Builds the host: gets the shared engine and links WASI and the contract.
    ///
    /// # Errors
    /// As for [`Host::new`]; [`Error::Grant`] for a grant of something
    /// that does not exist; [`Error::FuelNotCounted`] for an [`Engine`] that
    /// does not count fuel, with a limit of fuel; [`Error::NoAsyncStacks`] for an
    /// [`Engine`] that has slots without stacks, with an asynchronous contract;
    /// [`Error::NoConcurrency`] for an [`Engine`] without concurrency, with a contract
    /// that imports asynchronous functions.
    pub fn build(self) -> Result<Host<C>> {
        let engine = self.engine.engine::<C>(&self.limits)?;
        let Self {
            limits,
            budget,
            grants,
            observer,
            cache,
            compile_with,
            shared_runtimes,
            runtimes,
            engine: _,
            contract: _,
        } = self;
        engine.report_fewer_slots(&*observer);
        let source = ContractSource {
            wit: C::WIT,
            world: C::WORLD,
            optional: C::OPTIONAL,
            any_world: C::ANY_WORLD,
        };
        let most = limits.component;
        let loader = Loader::new(
            engine.clone(),
            source,
            most,
            cache,
            compile_with,
            shared_runtimes,
            runtimes,
        )?;
        let linked = Linked::new(engine)?;
        let granted = Arc::new(Granted::open(&grants)?);
        Ok(Host {
            inner: Arc::new(Inner {
                loader,
                linked,
                ticks: limits.ticks(),
                limits,
                budget: budget.unwrap_or_else(Budget::of_process),
                observer,
                granted,
            }),
        })
    }
}
