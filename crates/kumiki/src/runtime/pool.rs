//! A pool of warm instances of one plugin, for many threads.
//!
//! The pool creates an instance when one is requested and none is free, up to
//! [`PoolConfig::max_instances`]; further callers wait. Dropping a [`Pooled`] returns its
//! instance, or ends it if [`RecyclePolicy::should_recycle`] says so (a trap or a limit, its calls,
//! its memory) or if the thread that held it is panicking, because its state is then
//! unknown. Instances end nowhere else. The pool is last in, first out, because the
//! memory of the last returned instance is still in the processor's caches; the others
//! are used under higher load.
//!
//! A program with long-lived threads does not need a pool: an [`Instance`] per thread
//! never waits.

use std::num::NonZero;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::Store;

use crate::{Contract, Error, HostState, Instance, Plugin, RecyclePolicy, Result};

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
    shared: Arc<Shared<C>>,
}

struct Shared<C: Contract> {
    plugin: Plugin<C>,
    config: PoolConfig,
    data: Box<dyn Fn() -> C::Data + Send + Sync>,
    state: Mutex<State<C>>,
    /// Notified when an instance is returned or ends.
    returned: Condvar,
}

struct State<C: Contract> {
    free: Vec<Instance<C>>,
    /// Instances that are free, in use, or being created.
    live: usize,
}

impl<C: Contract> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
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
        let state = State {
            free: Vec::new(),
            live: 0,
        };
        Self {
            shared: Arc::new(Shared {
                plugin,
                config,
                data: Box::new(data),
                state: Mutex::new(state),
                returned: Condvar::new(),
            }),
        }
    }

    /// Creates `instances` instances in advance, at most [`PoolConfig::max_instances`]. Useful for
    /// plugins that include a language runtime, which are slow to instantiate.
    ///
    /// # Errors
    /// As for [`Pool::take`].
    pub fn warm(&self, instances: usize) -> Result<()> {
        let instances = instances.min(self.shared.config.max_instances);
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
        let Shared { plugin, data, .. } = &*self.shared;
        if let Some(instance) = self.free()? {
            return Ok(Pooled {
                instance: Some(instance),
                shared: self.shared.clone(),
            });
        }
        // The instance is already counted: dropping `pooled` uncounts it if instantiation
        // fails, or if `data` or a host function panics.
        let mut pooled = Pooled {
            instance: None,
            shared: self.shared.clone(),
        };
        pooled.instance = Some(plugin.instantiate(data())?);
        Ok(pooled)
    }

    /// Takes an instance and calls into it, as [`Instance::call`] does.
    ///
    /// # Errors
    /// As for [`Pool::take`] and [`Instance::call`].
    pub fn call<R>(
        &self,
        function: &str,
        call: impl FnOnce(&C::Bindings, &mut Store<HostState<C::Data>>) -> wasmtime::Result<R>,
    ) -> Result<R> {
        self.take()?.call(function, call)
    }

    /// Returns the number of live instances, in use or not.
    #[must_use]
    pub fn live(&self) -> usize {
        self.shared.state().live
    }

    /// Returns a free instance, or `None` if the caller may create one, which is then
    /// already counted.
    fn free(&self) -> Result<Option<Instance<C>>> {
        let Shared {
            plugin,
            config,
            returned,
            ..
        } = &*self.shared;
        let start = Instant::now();
        let mut state = self.shared.state();
        loop {
            if let Some(instance) = state.free.pop() {
                return Ok(Some(instance));
            }
            if state.live < config.max_instances.max(1) {
                state.live += 1;
                return Ok(None);
            }
            let left = config.timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Error::PoolTimeout {
                    plugin: plugin.name().to_owned(),
                    max_instances: config.max_instances.max(1),
                });
            }
            let waited = returned.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<C: Contract> Shared<C> {
    /// Uncounts an ended instance and wakes a waiting caller, which may create one.
    fn ended(&self) {
        self.state().live -= 1;
        self.returned.notify_one();
    }

    /// Locks the state. No code that can panic runs while it is locked.
    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Contract> std::fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("plugin", &self.shared.plugin)
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

/// An instance taken from a [`Pool`], returned to it on drop.
///
/// An instance that is poisoned or that a panic drops is not returned, because its
/// state is unknown.
pub struct Pooled<C: Contract> {
    /// `Some` until it is dropped.
    instance: Option<Instance<C>>,
    shared: Arc<Shared<C>>,
}

/// Uncounts an instance on drop, even if dropping the instance panics.
struct UncountOnDrop<'a, C: Contract>(&'a Shared<C>);

impl<C: Contract> Drop for UncountOnDrop<'_, C> {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl<C: Contract> Deref for Pooled<C> {
    type Target = Instance<C>;

    fn deref(&self) -> &Instance<C> {
        match &self.instance {
            Some(instance) => instance,
            None => unreachable!("it is taken out by `drop` alone"),
        }
    }
}

impl<C: Contract> DerefMut for Pooled<C> {
    fn deref_mut(&mut self) -> &mut Instance<C> {
        match &mut self.instance {
            Some(instance) => instance,
            None => unreachable!("it is taken out by `drop` alone"),
        }
    }
}

impl<C: Contract> Drop for Pooled<C> {
    fn drop(&mut self) {
        let recycling = &self.shared.config.recycling;
        let keeps =
            |instance: &Instance<C>| !thread::panicking() && !recycling.should_recycle(instance);
        match self.instance.take() {
            Some(instance) if keeps(&instance) => {
                self.shared.state().free.push(instance);
                self.shared.returned.notify_one();
            }
            ended => {
                // Frees the instance's slot before the next instance is created.
                let _uncount = UncountOnDrop(&*self.shared);
                drop(ended);
            }
        }
    }
}
