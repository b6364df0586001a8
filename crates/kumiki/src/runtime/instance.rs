//! One live plugin with a store of its own.
//!
//! An instance belongs to one plugin and is used by one thread at a time. What
//! poisons it is written here, in [`Instance::call`]: a trap, a limit, or a panic
//! of a host function. After any its memory may be in any state, so it is never
//! called again: every
//! further call is [`Error::Poisoned`], and the caller makes a new instance.
//! When a new one takes its place though nothing failed, [`Renewal`] says.
//!
//! [`Renewal`]: crate::Renewal

use std::sync::Arc;

use wasmtime::Store;

use super::contract::Contract;
use super::failure::{self, Failure};
use super::host::Inner;
use super::plugin::Plugin;
use super::state::HostState;
use crate::clock::{self, Deadline};
use crate::engine::Reservation;
use crate::observer::Event;
use crate::{Error, Limits, Result};

/// One live plugin. Ended by dropping it; poisoned by a trap or a limit.
pub struct Instance<C: Contract> {
    plugin: Plugin<C>,
    store: Store<HostState<C::Data>>,
    bindings: C::Bindings,
    poisoned: bool,
    calls: u64,
    /// Bytes of memory after the first call.
    first_memory: usize,
    /// The slots of the store, which is dropped before it.
    _reservation: Option<Reservation>,
}

impl<C: Contract> Plugin<C> {
    /// Makes an instance with a store of its own around `data`, the contract's
    /// part of what the host keeps for it. The component's start code, if any,
    /// runs within the limits of one call.
    ///
    /// # Errors
    /// [`Error::Ungranted`] if it requests what it is not granted;
    /// [`Error::Instantiate`]; [`Error::Trap`] and [`Error::Limit`] from start
    /// code.
    pub fn instantiate(&self, data: C::Data) -> Result<Instance<C>> {
        if !self.missing().is_empty() {
            return Err(Error::Ungranted {
                plugin: self.name().into(),
                missing: self.missing().clone(),
            });
        }
        Instance::new(self.clone(), data)
    }
}

impl<C: Contract> Instance<C> {
    /// In a slot, or outside of them when too few are free. The data is that of this
    /// instance and of no other: its start code runs once.
    fn new(plugin: Plugin<C>, data: C::Data) -> Result<Self> {
        let place = plugin.place();
        let mut store = store(&plugin, place.template.engine(), data)?;
        let made = C::instantiate(&place.template.pre, &mut store);
        let reservation = place.reservation;
        match made {
            Ok(bindings) => Ok(Self {
                plugin,
                store,
                bindings,
                poisoned: false,
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

    /// Calls into the guest. `call` gets the contract's bindings and the store
    /// they need, and makes one call; `function` is what errors call it. The
    /// limits are armed anew for each `call`.
    ///
    /// What the guest returns, its own errors included, comes back as it is.
    ///
    /// # Errors
    /// [`Error::Trap`] and [`Error::Limit`], both of which end this instance;
    /// [`Error::Poisoned`] when an earlier one has. [`Error::Call`] for an error of
    /// `call` itself, after which the instance is as good as before.
    ///
    /// An error of `call` itself needs a type of its own. wasmtime reports a result
    /// that is no value of its type by a message alone, so every error that is a
    /// message (`bail!`, `context`) counts as one of the guest. A closure that finds an
    /// answer of the guest to make no sense returns such an error to end the instance.
    ///
    /// # Panics
    /// When `call` or a host function does. That ends this instance, too: it stays
    /// poisoned for whoever catches the panic.
    #[inline]
    pub fn call<R>(
        &mut self,
        function: &str,
        call: impl FnOnce(&C::Bindings, &mut Store<HostState<C::Data>>) -> wasmtime::Result<R>,
    ) -> Result<R> {
        if self.poisoned {
            return Err(self.poison());
        }
        arm(&mut self.store, &self.plugin.host().inner)?;
        // A host function or an observer that panics leaves it so: whoever catches
        // the panic has an instance that was interrupted anywhere.
        self.poisoned = true;
        let result = call(&self.bindings, &mut self.store);
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

    /// Whether a trap, a limit or a panic has ended this instance.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// How many bytes of linear memory it holds. WebAssembly's memories only
    /// grow, so this is also the most that it has held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.store.data().memory.used()
    }

    /// How many calls it has had.
    #[inline]
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// How many bytes of linear memory it held after its first call.
    pub(crate) fn first_memory(&self) -> usize {
        self.first_memory
    }

    /// How many records, and how many bytes of them, the last call logged; one
    /// record more than [`Limits::log_records`] where either limit was reached.
    #[must_use]
    pub fn logged(&self) -> (usize, usize) {
        self.store.data().meter.logged()
    }

    /// How many instructions the last call ran, where they are counted.
    #[must_use]
    pub fn fuel(&self) -> Option<u64> {
        let limit = self.plugin.host().inner.limits.fuel?;
        let left = self.store.get_fuel().ok()?;
        Some(limit.saturating_sub(left))
    }

    /// The plugin it is an instance of.
    #[must_use]
    pub fn plugin(&self) -> &Plugin<C> {
        &self.plugin
    }

    /// Lets each call from now on hand over so many bytes, in place of
    /// [`Limits::transfer`]. An error tells the limit of the host all the same.
    pub fn set_transfer(&mut self, bytes: usize) {
        self.store.set_hostcall_fuel(bytes);
    }

    /// Its exports, to be looked at: calls go through [`Instance::call`].
    #[must_use]
    pub fn bindings(&self) -> &C::Bindings {
        &self.bindings
    }

    /// What the host keeps for it.
    #[must_use]
    pub fn state(&self) -> &HostState<C::Data> {
        self.store.data()
    }

    /// Calls it by another name in errors and log records from now on, for
    /// plugins that say what they are called.
    pub fn rename(&mut self, name: &Arc<str>) {
        let state = self.store.data_mut();
        state.plugin.clone_from(name);
        state.wasi.rename(name);
    }

    #[cold]
    fn poison(&self) -> Error {
        Error::Poisoned {
            plugin: self.store.data().plugin.to_string(),
        }
    }

    /// What a failed call means; a trap or a limit poisons the instance.
    #[cold]
    #[inline(never)]
    fn fail(&mut self, function: &str, source: wasmtime::Error) -> Error {
        let host = &self.plugin.host().inner;
        let state = self.store.data();
        match failure::of_call(&host.limits, state, function, source) {
            Failure::OfCaller(error) => error,
            Failure::OfGuest(error) => {
                self.poisoned = true;
                host.observer.event(&Event::InstanceEnded {
                    plugin: &state.plugin,
                    reason: &error,
                });
                error
            }
        }
    }
}

/// A store for an instance, armed for its start code.
fn store<C: Contract>(
    plugin: &Plugin<C>,
    engine: &wasmtime::Engine,
    data: C::Data,
) -> Result<Store<HostState<C::Data>>> {
    clock::start().map_err(|source| Error::Engine {
        source: source.into(),
    })?;
    let host = &plugin.host().inner;
    let name = plugin.shared_name().clone();
    let observer = host.observer.clone();
    let granted = plugin.granted().clone();
    let state = HostState::new(data, name, &host.limits, &host.budget, observer, granted);
    let mut store = Store::new(engine, state);
    if let Err(limit) = store.data_mut().memory.take_setup(plugin.setup()) {
        return Err(failure::before_start(store.data(), limit));
    }
    store.limiter(|state| &mut state.memory);
    // Each call counts from here again, so once is enough.
    store.set_hostcall_fuel(host.limits.transfer);
    store.set_max_component_handles(host.limits.handles);
    arm(&mut store, host)?;
    Ok(store)
}

/// Sets what the next call may use.
#[inline]
fn arm<C: Contract>(store: &mut Store<HostState<C::Data>>, host: &Inner<C>) -> Result<()> {
    // Time is the host's `ticks`, divided once and not at every call; fuel and
    // the log count from here; all other limits are armed with the instance.
    let Limits { fuel, .. } = &host.limits;
    store.set_epoch_deadline(host.ticks);
    let state = store.data_mut();
    state.wasi.set_deadline(Deadline::after(host.ticks));
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
