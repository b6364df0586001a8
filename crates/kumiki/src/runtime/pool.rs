//! Warm instances of one plugin, for many threads.
//!
//! An instance is made when one is wanted and none is free, and there are never
//! more than so many; whoever wants another waits. It goes back when its
//! [`Pooled`] is dropped, and is ended there and nowhere else, by what
//! [`Renewal::ends`] says (a trap or a limit, its calls, its memory), or because
//! the thread that had it panicked: what it was in the middle of is not known.
//! The last one that came back is the first that goes out, for its memory is
//! still in the processor's caches; those behind it wait for busier times.
//!
//! A program whose threads stay can do without: an [`Instance`] of its own for
//! each thread waits for nobody.

use std::num::NonZero;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::Store;

use crate::{Contract, Error, HostState, Instance, Plugin, Renewal, Result};

/// How many instances a [`Pool`] has, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolConfig {
    /// Instances that live at once at the most, one at least. Default: as many
    /// as the machine has cores.
    pub most: usize,
    /// How long to wait for one when all are in use; with none, [`Error::Busy`]
    /// comes at once. Default: 10 s.
    pub wait: Duration,
    /// What ends an instance that has not failed. Default: nothing.
    pub renewal: Renewal,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            most: thread::available_parallelism().map_or(1, NonZero::get),
            wait: Duration::from_secs(10),
            renewal: Renewal::default(),
        }
    }
}

impl PoolConfig {
    /// This configuration, with so many instances at the most.
    #[must_use]
    pub fn with_most(mut self, instances: usize) -> Self {
        self.most = instances;
        self
    }

    /// This configuration, waiting so long for an instance.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// This configuration, with instances renewed so.
    #[must_use]
    pub fn with_renewal(mut self, renewal: Renewal) -> Self {
        self.renewal = renewal;
        self
    }
}

/// Warm instances of one plugin. Cheap to clone; a clone is the same pool, and
/// threads share it.
///
/// ```
/// use kumiki::{Contract, Plugin, Pool, PoolConfig, Renewal};
///
/// /// Four instances at the most, each for a thousand requests.
/// fn pool<C: Contract<Data: Default>>(plugin: Plugin<C>) -> Pool<C> {
///     let renewal = Renewal::default().with_calls(1_000);
///     let config = PoolConfig::default().with_most(4).with_renewal(renewal);
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
    /// Something has come back, or has ended.
    returned: Condvar,
}

struct State<C: Contract> {
    free: Vec<Instance<C>>,
    /// Those that are free, those in use, and those that are being made.
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
    /// A pool without instances yet. `data` makes the contract's data, once for
    /// each instance, on the thread that wants it.
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

    /// Makes so many instances beforehand, as far as there may be so many: for
    /// plugins that carry a language's runtime, whose instances take long.
    ///
    /// # Errors
    /// As for [`Pool::take`].
    pub fn warm(&self, instances: usize) -> Result<()> {
        let instances = instances.min(self.shared.config.most);
        let taken: Result<Vec<_>> = (0..instances).map(|_| self.take()).collect();
        taken.map(drop)
    }

    /// An instance of one's own for as long as it is held: a warm one, or a new
    /// one, or the next that comes back.
    ///
    /// # Errors
    /// [`Error::Busy`] when all are in use and none comes back in time; those of
    /// [`Plugin::instantiate`] when one cannot be made.
    pub fn take(&self) -> Result<Pooled<C>> {
        let Shared { plugin, data, .. } = &*self.shared;
        if let Some(instance) = self.free()? {
            return Ok(Pooled {
                instance: Some(instance),
                shared: self.shared.clone(),
            });
        }
        // Already counted: its place is free again if none can be made, or if
        // `data` or a host function panics.
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

    /// How many instances live, in use or not.
    #[must_use]
    pub fn live(&self) -> usize {
        self.shared.state().live
    }

    /// A free instance; or nothing, and then one may be made that is already
    /// counted.
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
            if state.live < config.most.max(1) {
                state.live += 1;
                return Ok(None);
            }
            let left = config.wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Error::Busy {
                    plugin: plugin.name().to_owned(),
                    most: config.most.max(1),
                });
            }
            let waited = returned.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<C: Contract> Shared<C> {
    /// There is one less, and whoever waits may make one.
    fn ended(&self) {
        self.state().live -= 1;
        self.returned.notify_one();
    }

    /// Nothing that panics runs while it is locked.
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

/// An instance that is taken from a [`Pool`], and goes back when it is dropped.
///
/// Never kept is one that is poisoned, or that is dropped by a panic: what it was in
/// the middle of is not known.
pub struct Pooled<C: Contract> {
    /// There until it is dropped.
    instance: Option<Instance<C>>,
    shared: Arc<Shared<C>>,
}

/// Frees the place of an instance, also where dropping what is in it panics.
struct Place<'a, C: Contract>(&'a Shared<C>);

impl<C: Contract> Drop for Place<'_, C> {
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
        let renewal = &self.shared.config.renewal;
        let keeps = |instance: &Instance<C>| !thread::panicking() && !renewal.ends(instance);
        match self.instance.take() {
            Some(instance) if keeps(&instance) => {
                self.shared.state().free.push(instance);
                self.shared.returned.notify_one();
            }
            ended => {
                // Its slot is free before the next one is made.
                let _place = Place(&*self.shared);
                drop(ended);
            }
        }
    }
}
