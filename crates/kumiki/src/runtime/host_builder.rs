//! The builder of a host.

use std::sync::Arc;

use super::contract::Contract;
use super::host::{Host, Inner};
use super::linked::Linked;
use crate::engine::slots;
use crate::load::{ContractSource, Loader};
use crate::observer::{Observer, Silent};
use crate::wasi::Granted;
use crate::{Budget, Cache, CompileCommand, Engine, EngineConfig, Grants, Limits, Result};

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

impl<C: Contract> Host<C> {
    /// Creates a host with the default limits that discards all log records and events.
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) when this machine cannot run wasmtime's code;
    /// [`Error::Contract`](crate::Error::Contract) when the contract's WIT or its functions are faulty.
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
            slots: slots::DEFAULT,
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

    /// Sets the number of pool slots, shared by all hosts of this process that set the
    /// same number: see [`EngineConfig::slots`]. Default: 1,000.
    #[must_use]
    pub fn slots(mut self, slots: u32) -> Self {
        self.slots = slots;
        self
    }

    /// Builds the host: gets the shared engine and links WASI and the contract.
    ///
    /// # Errors
    /// As for [`Host::new`], and [`Error::Grant`](crate::Error::Grant) for a grant of something that
    /// does not exist.
    pub fn build(self) -> Result<Host<C>> {
        let config = EngineConfig::default()
            .with_fuel(self.limits.fuel.is_some())
            .with_slots(slots::usable(self.slots, self.limits.table_elements));
        let Self {
            limits,
            budget,
            grants,
            observer,
            cache,
            compile_with,
            slots: _,
            contract: _,
        } = self;
        let engine = Engine::shared(&config)?;
        engine.report_fewer_slots(&*observer);
        let source = ContractSource {
            wit: C::WIT,
            world: C::WORLD,
            optional: C::OPTIONAL,
        };
        let most = limits.component;
        let loader = Loader::new(engine.clone(), source, most, cache, compile_with)?;
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
