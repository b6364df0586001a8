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

use wasmtime::component::ResourceTableError;
use wasmtime::{Store, Trap, WasmBacktrace};

use crate::clock::{self, Deadline};
use crate::engine::FRAMES;
use crate::engine::slots;
use crate::limits::{Limit, Reached};
use crate::observer::Event;
use crate::runtime::host::Inner;
use crate::runtime::prepared::Prepared;
use crate::text::{self, Lines};
use crate::{Contract, Error, HostState, Limits, Plugin, Result};

/// What errors call the function that runs a component's start code.
const INSTANTIATE: &str = "instantiate";

/// One live plugin. Ended by dropping it; poisoned by a trap or a limit.
pub struct Instance<C: Contract> {
    plugin: Plugin<C>,
    store: Store<HostState<C::Data>>,
    bindings: C::Bindings,
    poisoned: bool,
    calls: u64,
    /// Bytes of memory after the first call.
    first_memory: usize,
}

impl<C: Contract> Instance<C> {
    /// In a slot, or outside of them when all are taken.
    pub(crate) fn new(plugin: Plugin<C>, data: C::Data) -> Result<Self> {
        let mut store = store(&plugin, plugin.prepared(), data)?;
        let mut made = C::instantiate(&plugin.prepared().pre, &mut store);
        if let Err(error) = &made
            && slots::are_taken(error)
            && let Some(outside) = outside(&plugin)
        {
            // The data is as it was, or as the start code of some core instances
            // has left it, which runs again.
            store = self::store(&plugin, outside, store.into_data().data)?;
            made = C::instantiate(&outside.pre, &mut store);
        }
        match made {
            Ok(bindings) => Ok(Self {
                plugin,
                store,
                bindings,
                poisoned: false,
                calls: 0,
                first_memory: 0,
            }),
            Err(source) => {
                let limits = plugin.host().limits();
                Err(call_error(limits, store.data(), INSTANTIATE, source))
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
    /// [`Error::Poisoned`] when an earlier one has.
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
        arm(&mut self.store, &self.plugin.host().inner, function)?;
        // A host function or an observer that panics leaves it so: whoever catches
        // the panic has an instance that was interrupted anywhere.
        self.poisoned = true;
        let result = call(&self.bindings, &mut self.store);
        self.poisoned = result.is_err();
        self.calls += 1;
        if self.calls == 1 {
            self.first_memory = self.memory();
        }
        match result {
            Ok(result) => Ok(result),
            Err(source) => Err(self.end(function, source)),
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

    #[cold]
    #[inline(never)]
    fn end(&mut self, function: &str, source: wasmtime::Error) -> Error {
        let host = &self.plugin.host().inner;
        let error = call_error(&host.limits, self.store.data(), function, source);
        let plugin = &*self.store.data().plugin;
        host.observer.event(&Event::InstanceEnded {
            plugin,
            reason: &error,
        });
        error
    }
}

/// A store for an instance, armed for its start code.
fn store<C: Contract>(
    plugin: &Plugin<C>,
    prepared: &Prepared<C>,
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
    let mut store = Store::new(prepared.component.engine(), state);
    store.limiter(|state| &mut state.memory);
    // Each call counts from here again, so once is enough.
    store.set_hostcall_fuel(host.limits.transfer);
    store.set_max_component_handles(host.limits.handles);
    arm(&mut store, host, INSTANTIATE)?;
    Ok(store)
}

/// What an instance is made of for which there is no slot.
#[cold]
fn outside<C: Contract>(plugin: &Plugin<C>) -> Option<&Prepared<C>> {
    let host = &plugin.host().inner;
    host.linked.engine.tell_full(&*host.observer);
    plugin.outside()
}

/// Sets what the next call may use.
#[inline]
fn arm<C: Contract>(
    store: &mut Store<HostState<C::Data>>,
    host: &Inner<C>,
    function: &str,
) -> Result<()> {
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
            .map_err(|source| call_error(&host.limits, store.data(), function, source))?;
    }
    Ok(())
}

/// What a failed call means: which limit fired, or why the guest trapped.
#[cold]
fn call_error<D>(
    limits: &Limits,
    state: &HostState<D>,
    function: &str,
    source: wasmtime::Error,
) -> Error {
    let plugin = state.plugin.to_string();
    let trap = source.downcast_ref::<Trap>().copied();
    let limit = match trap {
        Some(Trap::Interrupt) => Some(Limit::Time(limits.time)),
        Some(Trap::OutOfFuel) => Some(Limit::Fuel(limits.fuel.unwrap_or_default())),
        _ => state
            .memory
            .refused
            .or_else(|| without_a_type(limits, &source)),
    };
    if let Some(limit) = limit {
        return Error::Limit {
            plugin,
            function: function.to_owned(),
            limit,
        };
    }
    let backtrace = source.downcast_ref::<WasmBacktrace>();
    if function == INSTANTIATE && trap.is_none() && backtrace.is_none() {
        let source = text::source(source);
        return Error::Instantiate { plugin, source };
    }
    Error::Trap {
        plugin,
        function: function.to_owned(),
        message: trap_message(trap, &source),
        backtrace: backtrace.map_or_else(String::new, frames),
    }
}

/// The limit behind an error that has no type of its own in wasmtime 48, but a
/// message (`component/func/options.rs`, `vm/component/handle_table.rs`,
/// `runtime/store.rs`, and the hosts of WASI).
fn without_a_type(limits: &Limits, source: &wasmtime::Error) -> Option<Limit> {
    if let Some(Reached(limit)) = source.downcast_ref() {
        return Some(*limit);
    }
    if let Some(ResourceTableError::Full) = source.downcast_ref() {
        return Some(Limit::Handles(limits.handles));
    }
    let message = source.root_cause().to_string();
    let messages = [
        (
            "fuel allocated for hostcalls",
            Limit::Transfer(limits.transfer),
        ),
        ("handle limit exceeded", Limit::Handles(limits.handles)),
        (
            "resource table has no free keys",
            Limit::Handles(limits.handles),
        ),
        (
            "count too high",
            Limit::CoreInstances(limits.core_instances),
        ),
        ("requested len", Limit::Random(limits.random)),
    ];
    let known = messages.iter().find(|(text, _)| message.contains(text));
    known.map(|(_, limit)| *limit)
}

fn trap_message(trap: Option<Trap>, source: &wasmtime::Error) -> String {
    if let Some(exit) = source.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return format!("it called `exit` with code {}", exit.0);
    }
    let message = trap.map_or_else(|| source.root_cause().to_string(), |trap| trap.to_string());
    text::message(message.trim_start_matches("wasm trap: "))
}

/// The frames of a backtrace, a line each, innermost first. Names are the guest's
/// and shown as they are, not demangled: a mangled name of 200 bytes can stand for
/// one of many megabytes.
fn frames(backtrace: &WasmBacktrace) -> String {
    let frames = backtrace.frames();
    let mut lines = Lines::within(text::BACKTRACE);
    let mut shown = 0;
    for frame in frames.iter().take(FRAMES) {
        let module = text::name(frame.module().name().unwrap_or("<unknown>"));
        let function = match frame.func_name() {
            Some(name) => text::name(name),
            None => format!("<wasm function {}>", frame.func_index()).into(),
        };
        let fits = match frame.module_offset() {
            Some(offset) => lines.push(format_args!("{shown}: {offset:#8x} - {module}!{function}")),
            None => lines.push(format_args!("{shown}: {module}!{function}")),
        };
        if !fits {
            break;
        }
        shown += 1;
    }
    let mut text = lines.into_text();
    if frames.len() > FRAMES {
        text.push_str("\nframes further out are left out");
    } else if frames.len() > shown {
        let more = frames.len() - shown;
        text.push_str(&format!("\n{more} frames further out are left out"));
    }
    text
}
