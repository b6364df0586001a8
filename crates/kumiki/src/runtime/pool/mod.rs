//! A pool of warm instances of one plugin, for many threads.
//!
//! The pool creates an instance when one is requested and none is free, up to
//! [`PoolConfig::max_instances`]; further callers wait. Dropping a [`Pooled`] returns its
//! instance, or ends it if [`RecyclePolicy::should_recycle`] says so (a trap or a limit,
//! its calls, its memory) or if the thread that held it is panicking, because its state
//! is then unknown. Instances end nowhere else. The pool is last in, first out, so that
//! some instances are used only under higher load.
//!
//! A program with long-lived threads does not need a pool: an [`Instance`] per thread
//! never waits.

mod lease;

use std::num::NonZero;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use wasmtime::Store;

pub use lease::{Lease, LeasePool};

use crate::{AsyncContract, Contract, Error, Instance, Plugin, RecyclePolicy, Result, StoreData};

/// Configuration of a [`Pool`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolConfig {
    /// Maximum number of live instances; at least 1. Default: the number of cores of
    /// the machine.
    pub max_instances: usize,
    /// How long to wait for an instance when all are in use; zero returns
    /// [`Error::PoolTimeout`] immediately. Default: 10 s.
    pub timeout: Duration,
    /// When to replace an instance that has not failed. Default: never.
    pub recycling: RecyclePolicy,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max_instances: thread::available_parallelism().map_or(1, NonZero::get),
            timeout: Duration::from_secs(10),
            recycling: RecyclePolicy::default(),
        }
    }
}

impl PoolConfig {
    /// Sets [`PoolConfig::max_instances`].
    #[must_use]
    pub fn with_max_instances(mut self, instances: usize) -> Self {
        self.max_instances = instances;
        self
    }

    /// Sets [`PoolConfig::timeout`].
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`PoolConfig::recycling`].
    #[must_use]
    pub fn with_recycling(mut self, recycling: RecyclePolicy) -> Self {
        self.recycling = recycling;
        self
    }
}

/// A pool of warm instances of one plugin. Cheap to clone; clones share the pool, also
/// across threads.
///
/// ```
/// use kumiki::{Contract, Plugin, Pool, PoolConfig, RecyclePolicy};
///
/// /// At most four instances, each for a thousand requests.
/// fn pool<C: Contract<Data: Default>>(plugin: Plugin<C>) -> Pool<C> {
///     let recycling = RecyclePolicy::default().with_calls(1_000);
///     let config = PoolConfig::default().with_max_instances(4).with_recycling(recycling);
///     Pool::new(plugin, config, C::Data::default)
/// }
/// ```
pub struct Pool<C: Contract> {
    plugin: Plugin<C>,
    config: Arc<PoolConfig>,
    data: Arc<dyn Fn() -> C::Data + Send + Sync>,
    instances: LeasePool<Instance<C>>,
}

impl<C: Contract> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self {
            plugin: self.plugin.clone(),
            config: self.config.clone(),
            data: self.data.clone(),
            instances: self.instances.clone(),
        }
    }
}

impl<C: Contract> Pool<C> {
    /// Creates an empty pool. `data` creates the contract's data once for each instance,
    /// on the thread that requests the instance.
    #[must_use]
    pub fn new(
        plugin: Plugin<C>,
        config: PoolConfig,
        data: impl Fn() -> C::Data + Send + Sync + 'static,
    ) -> Self {
        let recycling = config.recycling.clone();
        let is_reusable = move |instance: &_| !recycling.should_recycle(instance);
        Self {
            plugin,
            instances: LeasePool::new(config.max_instances, config.timeout, is_reusable),
            config: Arc::new(config),
            data: Arc::new(data),
        }
    }

    /// Creates `instances` instances in advance, at most
    /// [`PoolConfig::max_instances`]. Useful for plugins that include a language
    /// runtime, which are slow to instantiate.
    ///
    /// # Errors
    /// As for [`Pool::take`].
    pub fn warm(&self, instances: usize) -> Result<()> {
        let instances = instances.min(self.instances.max());
        let taken: Result<Vec<_>> = (0..instances).map(|_| self.take()).collect();
        taken.map(drop)
    }

    /// Takes an instance for exclusive use until it is dropped: a warm one, a new one,
    /// or the next one returned.
    ///
    /// # Errors
    /// [`Error::PoolTimeout`] when all are in use and none is returned in time; those of
    /// [`Plugin::instantiate`] when an instance cannot be created.
    pub fn take(&self) -> Result<Pooled<C>> {
        let create = || self.plugin.instantiate((self.data)());
        self.pooled(self.instances.take(create)?)
    }

    fn pooled(&self, lease: Option<Lease<Instance<C>>>) -> Result<Pooled<C>> {
        lease.map(Pooled).ok_or_else(|| Error::PoolTimeout {
            plugin: self.plugin.name().to_owned(),
            max_instances: self.instances.max(),
        })
    }

    /// Takes an instance and calls into it, as [`Instance::call`] does.
    ///
    /// # Errors
    /// As for [`Pool::take`] and [`Instance::call`].
    pub fn call<R>(
        &self,
        function: &str,
        call: impl FnOnce(&C::Bindings, &mut Store<StoreData>) -> wasmtime::Result<R>,
    ) -> Result<R> {
        self.take()?.call(function, call)
    }

    /// Returns the number of live instances, in use or not.
    #[must_use]
    pub fn live(&self) -> usize {
        self.instances.live()
    }
}

impl<C: AsyncContract> Pool<C> {
    /// Takes an instance of an asynchronous contract, as [`Pool::take`] does, without
    /// blocking the thread.
    ///
    /// # Errors
    /// [`Error::PoolTimeout`]; those of [`Plugin::instantiate_async`].
    ///
    /// # Panics
    /// If it must wait outside of a tokio runtime with timers.
    pub async fn take_async(&self) -> Result<Pooled<C>> {
        let create = async || self.plugin.instantiate_async((self.data)()).await;
        self.pooled(self.instances.take_async(create).await?)
    }

    /// Takes an instance and calls into it, as [`Instance::call_async`] does.
    ///
    /// # Errors
    /// As for [`Pool::take_async`] and [`Instance::call_async`].
    ///
    /// # Panics
    /// As for [`Pool::take_async`] and [`Instance::call_async`].
    pub async fn call_async<R>(
        &self,
        function: &str,
        call: impl AsyncFnOnce(&C::Bindings, &mut Store<StoreData>) -> wasmtime::Result<R>,
    ) -> Result<R> {
        self.take_async().await?.call_async(function, call).await
    }
}

impl<C: Contract> std::fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("plugin", &self.plugin)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// An instance taken from a [`Pool`], returned to it on drop.
///
/// An instance that is poisoned or that a panic drops is not returned, because its
/// state is unknown.
pub struct Pooled<C: Contract>(Lease<Instance<C>>);

impl<C: Contract> Deref for Pooled<C> {
    type Target = Instance<C>;

    fn deref(&self) -> &Instance<C> {
        &self.0
    }
}

impl<C: Contract> DerefMut for Pooled<C> {
    fn deref_mut(&mut self) -> &mut Instance<C> {
        &mut self.0
    }
}
