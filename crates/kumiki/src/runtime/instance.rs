//! A plugin instance with its own store.
//!
//! An instance belongs to one plugin and is used by one thread at a time. What
//! poisons it is written here, in [`Instance::call`]: a trap, a limit, or a panic
//! of a host function. After any its memory may be in any state, so it is never
//! called again: every
//! further call is [`Error::Poisoned`], and the caller makes a new instance.
//! When a new one takes its place though nothing failed, [`RecyclePolicy`] says.
//!
//! [`RecyclePolicy`]: crate::RecyclePolicy

use std::sync::Arc;

use tokio::task::yield_now;
use wasmtime::{AsContextMut as _, Store, Trap, UpdateDeadline};

use super::contract::Contract;
use super::failure::{self, Failure};
use super::host::Inner;
use super::own_runtime::OwnRuntime;
use super::plugin::Plugin;
use super::progress_wait::block_on;
use super::state::{HostState, StoreData};
use super::streams::Progress;
use crate::clock::{self, Deadline};
use crate::engine::{GUEST_STACK, Reservation, wasmtime_errors};
use crate::observer::Event;
use crate::{Error, Limits, Result};

/// A running instance of a plugin. Dropping it ends it; a trap, a limit or a panic
/// poisons it.
pub struct Instance<C: Contract> {
    plugin: Plugin<C>,
    store: Store<StoreData>,
    bindings: C::Bindings,
    poisoned: bool,
    runtime: OwnRuntime,
    calls: u64,
    /// Bytes of memory after the first call.
    first_memory: usize,
    /// The slots of the store, which is dropped before it.
    _reservation: Option<Reservation>,
}

impl<C: Contract> Plugin<C> {
    /// Creates an instance with its own store and `data`, the contract's data for it.
    /// The component's start code, if any, runs within the limits of one call.
    ///
    /// # Errors
    /// [`Error::Ungranted`] if a request of the plugin is not granted;
    /// [`Error::Instantiate`]; [`Error::Trap`] and [`Error::Limit`] from start
    /// code.
    pub fn instantiate(&self, data: C::Data) -> Result<Instance<C>> {
        const {
            assert!(
                !C::ASYNC,
                "the contract is asynchronous: use `instantiate_async`"
            )
        };
        self.check_granted()?;
        let placement = self.placement();
        let mut store = store(self, placement.template.engine(), data)?;
        let pre = &placement.template.pre;
        let made = match self.is_asynchronous() {
            false => C::instantiate(pre, &mut store),
            true => {
                let progress = StoreData::begin_progress(&mut store.as_context_mut());
                let start = C::instantiate_concurrent(pre, &mut store);
                block_on(start, &progress).unwrap_or_else(|| Err(Trap::Interrupt.into()))
            }
        };
        Instance::new(self.clone(), store, made, placement.reservation)
    }

    pub(super) fn check_granted(&self) -> Result<()> {
        match self.missing().is_empty() {
            true => Ok(()),
            false => Err(Error::Ungranted {
                plugin: self.name().into(),
                missing: self.missing().clone(),
            }),
        }
    }
}

impl<C: Contract> Instance<C> {
    /// Takes the store and the exports that were made in it, or the error of its start
    /// code. The store is that of this instance and of no other: its start code runs once.
    pub(super) fn new(
        plugin: Plugin<C>,
        store: Store<StoreData>,
        made: wasmtime::Result<C::Bindings>,
        reservation: Option<Reservation>,
    ) -> Result<Self> {
        match made {
            Ok(bindings) => Ok(Self {
                plugin,
                store,
                bindings,
                poisoned: false,
                runtime: OwnRuntime::default(),
                calls: 0,
                first_memory: 0,
                _reservation: reservation,
            }),
            Err(source) => {
                let host = &plugin.host().inner;
                Err(failure::of_start(&host.limits, store.data(), source))
            }
        }
    }

    /// Calls into the guest. `call` receives the contract's bindings and the store, and
    /// makes one call; `function` names it in errors. The limits are reset for each
    /// `call`.
    ///
    /// The guest's result, including its own errors, is returned unchanged.
    ///
    /// # Errors
    /// [`Error::Trap`] and [`Error::Limit`], both of which end this instance;
    /// [`Error::Poisoned`] when an earlier call ended it. [`Error::Call`] for an error
    /// of `call` itself, after which the instance stays usable.
    ///
    /// An error of `call` itself needs its own error type. wasmtime reports a result
    /// that is invalid for its type as a message only, so every message-only error
    /// (`bail!`, `context`) counts as the guest's. A closure returns such an error to
    /// end the instance when the guest's result is invalid for the contract.
    ///
    /// # Panics
    /// When `call` or a host function panics. That poisons the instance: it stays
    /// poisoned if the panic is caught.
    #[inline]
    pub fn call<R>(
        &mut self,
        function: &str,
        call: impl FnOnce(&C::Bindings, &mut Store<StoreData>) -> wasmtime::Result<R>,
    ) -> Result<R> {
        const { assert!(!C::ASYNC, "the contract is asynchronous: use `call_async`") };
        self.begin()?;
        let result = call(&self.bindings, &mut self.store);
        self.end(function, result)
    }

    /// Begins a call.
    #[inline]
    pub(super) fn begin(&mut self) -> Result<()> {
        if self.is_poisoned() {
            return Err(self.poisoned_error());
        }
        arm(&mut self.store, &self.plugin.host().inner)?;
        // A host function or an observer that panics leaves it so: whoever catches
        // the panic has an instance that was interrupted anywhere. So does an
        // asynchronous call that is dropped before it completes.
        self.poisoned = true;
        Ok(())
    }

    /// Ends a call that [`Instance::begin`] began.
    #[inline]
    pub(super) fn end<R>(&mut self, function: &str, result: wasmtime::Result<R>) -> Result<R> {
        self.poisoned = false;
        self.calls += 1;
        if self.calls == 1 {
            self.first_memory = self.memory();
        }
        match result {
            Ok(result) => Ok(result),
            Err(source) => Err(self.fail(function, source)),
        }
    }

    /// Returns whether a trap, a limit or a panic ended this instance, or whether it was
    /// called [concurrently](Instance::call_concurrent) in a runtime of tokio that is not the
    /// current one: the plugin may still wait there.
    #[inline]
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned || self.runtime.is_left()
    }

    /// Begins a call of asynchronous functions.
    pub(super) fn begin_concurrent(&mut self) -> Result<Progress> {
        self.begin()?;
        self.runtime.enter();
        Ok(StoreData::begin_progress(&mut self.store.as_context_mut()))
    }

    /// Returns the bytes of linear memory that it holds. WebAssembly memories only grow,
    /// so this is also its peak.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.store.data().memory.used()
    }

    /// Returns the number of calls made to it.
    #[inline]
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// How many bytes of linear memory it held after its first call.
    pub(crate) fn first_memory(&self) -> usize {
        self.first_memory
    }

    /// Returns the number of records, and of their bytes, that the last call logged; one
    /// record more than [`Limits::log_records`] if either limit was reached.
    #[must_use]
    pub fn logged(&self) -> (usize, usize) {
        self.store.data().meter.logged()
    }

    /// Returns the number of instructions that the last call ran, if they are counted.
    #[must_use]
    pub fn fuel(&self) -> Option<u64> {
        let limit = self.plugin.host().inner.limits.fuel?;
        let left = self.store.get_fuel().ok()?;
        Some(limit.saturating_sub(left))
    }

    /// Returns the plugin it is an instance of.
    #[must_use]
    pub fn plugin(&self) -> &Plugin<C> {
        &self.plugin
    }

    /// Lets each later call pass this many bytes to the host, instead of
    /// [`Limits::transfer`]. An error still reports the host's limit.
    pub fn set_transfer(&mut self, bytes: usize) {
        self.store.set_hostcall_fuel(bytes);
    }

    /// Returns its exports for inspection; make calls through [`Instance::call`].
    #[must_use]
    pub fn bindings(&self) -> &C::Bindings {
        &self.bindings
    }

    /// Returns the contract's data of this instance.
    #[must_use]
    pub fn data(&self) -> &C::Data {
        &self.state().data
    }

    /// Returns the contract's data of this instance, to change it before a call, such as
    /// the context of a request that host functions read.
    ///
    /// ```
    /// use kumiki::{HostState, Pool};
    ///
    /// kumiki::contract!(Greeter {
    ///     inline: "
    ///         package example:greeter;
    ///         world greeter {
    ///             import user: func() -> string;
    ///             export greet: func() -> string;
    ///         }
    ///     ",
    ///     world: "greeter",
    ///     data: Request,
    /// });
    ///
    /// #[derive(Default)]
    /// struct Request {
    ///     user: String,
    /// }
    ///
    /// impl greeter::GreeterImports for HostState<Request> {
    ///     fn user(&mut self) -> String {
    ///         self.data.user.clone()
    ///     }
    /// }
    ///
    /// fn greet(pool: &Pool<Greeter>, user: &str) -> kumiki::Result<String> {
    ///     let mut instance = pool.take()?;
    ///     instance.data_mut().user = user.to_owned();
    ///     instance.call("greet", |greeter, store| greeter.call_greet(store))
    /// }
    /// ```
    pub fn data_mut(&mut self) -> &mut C::Data {
        &mut self.store.data_mut().host_mut::<C::Data>().data
    }

    /// Returns its host state.
    #[must_use]
    pub fn state(&self) -> &HostState<C::Data> {
        self.store.data().host()
    }

    /// Changes its name in later errors and log records, for plugins that report their
    /// own name.
    pub fn rename(&mut self, name: &Arc<str>) {
        self.store.data_mut().rename::<C::Data>(name);
    }

    /// Returns its exports and its store, to look something up in both.
    pub(super) fn exports(&mut self) -> (&C::Bindings, &mut Store<StoreData>) {
        (&self.bindings, &mut self.store)
    }

    pub(super) fn poison(&mut self) {
        self.poisoned = true;
    }

    #[cold]
    pub(super) fn poisoned_error(&self) -> Error {
        Error::Poisoned {
            plugin: self.store.data().plugin().to_owned(),
        }
    }

    /// Classifies a failed call; a trap or a limit poisons the instance.
    #[cold]
    #[inline(never)]
    fn fail(&mut self, function: &str, source: wasmtime::Error) -> Error {
        let host = &self.plugin.host().inner;
        let state = self.store.data();
        if self.plugin.is_asynchronous() && wasmtime_errors::needs_asynchronous_call(&source) {
            return Error::SynchronousCall {
                plugin: state.plugin().to_owned(),
                function: function.to_owned(),
            };
        }
        match failure::of_call(&host.limits, state, function, source) {
            Failure::OfCaller(error) => error,
            Failure::OfGuest(error) => {
                self.poisoned = true;
                host.observer.event(&Event::InstanceEnded {
                    plugin: state.plugin(),
                    reason: &error,
                });
                error
            }
        }
    }
}

/// A store for an instance, armed for its start code.
pub(super) fn store<C: Contract>(
    plugin: &Plugin<C>,
    engine: &wasmtime::Engine,
    data: C::Data,
) -> Result<Store<StoreData>> {
    clock::start().map_err(|source| Error::Engine {
        source: source.into(),
    })?;
    let host = &plugin.host().inner;
    let name = plugin.shared_name().clone();
    let observer = host.observer.clone();
    let granted = plugin.granted().clone();
    let state = StoreData::new(data, name, &host.limits, &host.budget, observer, granted);
    let mut store = Store::new(engine, state);
    let memory = &mut store.data_mut().memory;
    let mut taken = memory.take_host_bytes(plugin.host_bytes());
    if C::ASYNC {
        taken = taken.and_then(|()| memory.take(GUEST_STACK));
    }
    if let Err(limit) = taken {
        return Err(failure::before_start(store.data(), limit));
    }
    store.limiter(|state| &mut state.memory);
    if C::ASYNC {
        store.data_mut().set_yields();
        store.epoch_deadline_callback(|store| {
            Ok(match store.data().wasi.deadline().remaining().is_zero() {
                true => UpdateDeadline::Interrupt,
                // A guest that computes lets other tasks run once per tick. Through tokio's
                // own function: a task that only wakes itself would delay its timers.
                false => UpdateDeadline::YieldCustom(1, Box::pin(yield_now())),
            })
        });
    }
    // Each call counts from here again, so once is enough.
    store.set_hostcall_fuel(host.limits.transfer);
    store.set_max_component_handles(host.limits.handles);
    if host.limits.fuel.is_none() && host.linked.engine().config().fuel {
        store
            .set_fuel(u64::MAX)
            .map_err(|source| Error::Engine { source })?;
    }
    arm(&mut store, host)?;
    Ok(store)
}

/// Sets what the next call may use.
#[inline]
fn arm<C: Contract>(store: &mut Store<StoreData>, host: &Inner<C>) -> Result<()> {
    // Time is the host's `ticks`, divided once and not at every call; fuel and
    // the log count from here; all other limits are armed with the instance.
    let Limits { fuel, .. } = &host.limits;
    store.set_epoch_deadline(if C::ASYNC { 1 } else { host.ticks });
    let state = store.data_mut();
    state.begin(Deadline::after(host.ticks));
    state.memory.refused = None;
    state.meter.reset();
    if let Some(fuel) = fuel {
        // Fails only on an engine that does not count, which the host's
        // builder never pairs with a fuel limit.
        store
            .set_fuel(*fuel)
            .map_err(|source| Error::Engine { source })?;
    }
    Ok(())
}
