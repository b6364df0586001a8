//! The wasmtime engines and their configuration.
//!
//! There is one engine per process and configuration: an engine owns the compiler and
//! the trap handlers, and plugins share memory-mapped code and warm slots only within
//! one engine. [`Engine::shared`] is the only constructor.

pub(crate) mod proposals;
mod reservation;
mod shared_modules;
pub(crate) mod slots;
pub(crate) mod wasmtime_errors;

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wasmtime::WasmBacktraceDetails;

pub(crate) use reservation::{Reservation, SlotNeeds};
pub(crate) use shared_modules::{ModuleHash, SharedModule, SharedModules};

use reservation::SlotUsage;

use crate::clock;
use crate::observer::{Event, Observer};
use crate::{Error, Result};

/// The maximum number of frames in an error's backtrace. One more is recorded, so that
/// an error can say that there are more.
pub(crate) const FRAMES: usize = 50;

/// How deep a guest's calls may be, in bytes of stack; wasmtime's default. An asynchronous
/// call has a stack of its own, of which the rest, 1.5 MiB, is for host functions.
pub(crate) const GUEST_STACK: usize = 512 << 10;

/// The address space of each linear memory, in bytes: a memory never moves.
const MEMORY_RESERVATION: u64 = 4 << 30;
/// The guard regions before and after each linear memory, in bytes; an access faults.
const MEMORY_GUARD: u64 = 32 << 20;

/// The configuration of an engine. Equal configurations share one engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct EngineConfig {
    /// Whether every instruction is counted, so that
    /// [`Limits::fuel`](crate::Limits::fuel) can limit a call exactly. Default: false,
    /// because counting makes code up to 2–3 times slower (wasmtime's documentation of
    /// `Config::epoch_interruption`).
    pub fuel: bool,
    /// The number of slots in the pooling allocator. An instance in a slot is quick to
    /// create; further instances work too, but take longer. Each slot reserves 4 GiB of
    /// address space and no memory. If the machine refuses this many, there are fewer:
    /// see [`Engine::slots`]. Default: 1,000.
    pub slots: u32,
    /// Whether instances of an [`AsyncContract`](crate::AsyncContract) run in slots too:
    /// each slot then has a stack of 2 MiB of address space. Default: false, because an
    /// engine with stacks takes longer to create.
    pub async_stacks: bool,
    /// Whether plugins may use asynchronous functions, streams and futures of the
    /// Component Model, which WASI 0.3 introduced. Default: false, because each call then
    /// takes 0.4 µs longer; a host loads plugins that need them with an engine of their
    /// own.
    pub concurrency: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            fuel: false,
            slots: slots::DEFAULT,
            async_stacks: false,
            concurrency: false,
        }
    }
}

impl EngineConfig {
    /// Sets [`EngineConfig::fuel`]: whether instructions are counted.
    #[must_use]
    pub fn with_fuel(mut self, fuel: bool) -> Self {
        self.fuel = fuel;
        self
    }

    /// Sets [`EngineConfig::slots`].
    #[must_use]
    pub fn with_slots(mut self, slots: u32) -> Self {
        self.slots = slots;
        self
    }

    /// Sets [`EngineConfig::async_stacks`].
    #[must_use]
    pub fn with_async_stacks(mut self, stacks: bool) -> Self {
        self.async_stacks = stacks;
        self
    }

    /// Sets [`EngineConfig::concurrency`].
    #[must_use]
    pub fn with_concurrency(mut self, concurrency: bool) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Returns the wasmtime configuration that an engine is created with, for benchmarks
    /// and for comparison with plain wasmtime.
    #[must_use]
    pub fn to_wasmtime(&self) -> wasmtime::Config {
        // A new field must be handled here.
        let Self {
            fuel,
            slots,
            async_stacks,
            concurrency,
        } = self;
        let mut config = wasmtime::Config::new();
        config
            // With it, every call into a guest creates a task, which adds 0.7 µs to a call
            // of 0.45 µs.
            .concurrency_support(*concurrency)
            .epoch_interruption(true)
            .consume_fuel(*fuel)
            .max_wasm_stack(GUEST_STACK)
            .wasm_backtrace_max_frames(NonZero::new(FRAMES + 1))
            // The guest controls its debug information, and wasmtime copies a name from
            // it for each inlined function, without limit. By default an environment
            // variable turns this on.
            .wasm_backtrace_details(WasmBacktraceDetails::Disable);
        proposals::configure(&mut config, *concurrency);
        confine(&mut config);
        if *slots > 0 {
            slots::configure(&mut config, *slots, *async_stacks);
        }
        config
    }
}

/// Confines guests to their memories. These are wasmtime's defaults on 64-bit machines,
/// set explicitly so that a changed default has no effect. Settings that need `unsafe`
/// (Cranelift's Spectre mitigations) are only read back, by a test.
fn confine(config: &mut wasmtime::Config) {
    config
        // An access out of bounds faults, and the fault becomes a trap.
        .signals_based_traps(true)
        .guard_before_linear_memory(true);
    if cfg!(target_pointer_width = "64") {
        // The reservation covers every 32-bit address; the guard covers the offset that
        // an instruction adds without a check.
        config
            .memory_reservation(MEMORY_RESERVATION)
            .memory_guard_size(MEMORY_GUARD);
    }
}

/// The compiler and runtime for plugins of any contract. Cheap to clone; all clones
/// share one engine.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    config: EngineConfig,
    /// As [`Engine::slots`].
    slots: u32,
    /// `None` if the engine has no slots.
    slot_usage: Option<Arc<SlotUsage>>,
    shared_modules: Arc<SharedModules>,
    reported: Arc<Reported>,
}

/// Which events were reported; each is reported once per engine.
#[derive(Default)]
struct Reported {
    fewer_slots: AtomicBool,
    slots_full: AtomicBool,
}

impl Engine {
    /// Returns the process's engine for this configuration; the first call creates it,
    /// and it exists until the process ends.
    ///
    /// # Errors
    /// [`Error::Engine`] when this machine cannot run wasmtime's code.
    pub fn shared(config: &EngineConfig) -> Result<Self> {
        static ENGINES: OnceLock<Mutex<HashMap<EngineConfig, Engine>>> = OnceLock::new();
        // A poisoned map is still consistent: entries are only ever added.
        let mut engines = ENGINES
            .get_or_init(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.get(config) {
            return Ok(engine.clone());
        }
        let (inner, slots) = create(config)?;
        let engine = Self {
            inner,
            config: config.clone(),
            slots,
            slot_usage: SlotUsage::new(slots),
            shared_modules: Arc::default(),
            reported: Arc::default(),
        };
        clock::drive(&engine.inner);
        engines.insert(config.clone(), engine.clone());
        Ok(engine)
    }

    /// Returns the configuration that the engine was created with.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Returns the number of slots: as many as configured, or fewer if the address space
    /// is too small (`ulimit -v`, a processor with 39-bit addresses); may be 0.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// Reports, once, that the engine has fewer slots than configured.
    pub(crate) fn report_fewer_slots(&self, observer: &dyn Observer) {
        let (wanted, found) = (self.config.slots, self.slots);
        if found < wanted && !self.reported.fewer_slots.swap(true, Ordering::Relaxed) {
            observer.event(&Event::FewerSlots { wanted, found });
        }
    }

    /// Reports, once, that all slots are in use.
    #[cold]
    pub(crate) fn report_slots_full(&self, observer: &dyn Observer) {
        if !self.reported.slots_full.swap(true, Ordering::Relaxed) {
            observer.event(&Event::SlotsFull { slots: self.slots });
        }
    }

    /// Reserves the slots that an instance needs; returns `None` if too few are free.
    pub(crate) fn reserve(&self, needs: SlotNeeds) -> Option<Reservation> {
        Reservation::new(self.slot_usage.as_ref(), needs)
    }

    /// Returns the core modules that this engine's plugins share.
    pub(crate) fn shared_modules(&self) -> &SharedModules {
        &self.shared_modules
    }

    /// Returns the engine without slots, for instances that do not fit into this
    /// engine's slots.
    pub(crate) fn without_slots(&self) -> Result<Self> {
        Self::shared(&self.config.clone().with_slots(0))
    }

    /// Returns the engine for a plugin: this one, or for a plugin that needs
    /// [`EngineConfig::concurrency`], if this one does not have it, one without slots.
    pub(crate) fn for_plugin(&self, concurrency: bool) -> Result<Self> {
        match concurrency && !self.config.concurrency {
            true => Self::shared(&self.config.clone().with_slots(0).with_concurrency(true)),
            false => Ok(self.clone()),
        }
    }

    /// Returns the wasmtime engine.
    #[must_use]
    pub fn as_wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }
}

/// Creates an engine with as many of the configured slots as the address space allows;
/// returns it with their number. If not all of them fit, half of those that fit are left
/// to the rest of the process.
fn create(config: &EngineConfig) -> Result<(wasmtime::Engine, u32)> {
    let new = |slots| wasmtime::Engine::new(&config.clone().with_slots(slots).to_wasmtime());
    if let Ok(engine) = new(config.slots) {
        return Ok((engine, config.slots));
    }
    let most = slots::smaller_counts(config.slots).find(|slots| new(*slots).is_ok());
    // An engine that fails without slots too fails for another reason.
    let found = most.unwrap_or(0) / 2;
    let engine = new(found).map_err(|source| Error::Engine { source })?;
    Ok((engine, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_configurations_share_one_engine() {
        let plain = Engine::shared(&EngineConfig::default()).unwrap();
        let again = Engine::shared(&EngineConfig::default()).unwrap();
        let fueled = Engine::shared(&EngineConfig::default().with_fuel(true)).unwrap();
        assert!(wasmtime::Engine::same(
            plain.as_wasmtime(),
            again.as_wasmtime()
        ));
        assert!(!wasmtime::Engine::same(
            plain.as_wasmtime(),
            fueled.as_wasmtime()
        ));
    }
}
