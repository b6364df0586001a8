//! The wasmtime engines and their configuration.
//!
//! There is one engine per process and configuration: engines own the compiler
//! and the trap handlers, and two plugins can share memory-mapped code and
//! warm slots only within one. [`Engine::shared`] is the only way to get one.

pub(crate) mod proposals;
mod reservation;
pub(crate) mod slots;
pub(crate) mod untyped;

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wasmtime::WasmBacktraceDetails;

pub(crate) use reservation::{Needs, Reservation};

use reservation::Room;

use crate::clock;
use crate::observer::{Event, Observer};
use crate::{Error, Result};

/// Frames of a backtrace that an error shows. One more is recorded, so that an
/// error can say that there are more.
pub(crate) const FRAMES: usize = 50;

/// Bytes of address space for each linear memory: a memory never moves.
const MEMORY_RESERVATION: u64 = 4 << 30;
/// Bytes before and behind each linear memory that fault when they are touched.
const MEMORY_GUARD: u64 = 32 << 20;

/// What distinguishes one engine from another. Two equal configurations share
/// one engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct EngineConfig {
    /// Count every instruction, so that [`Limits::fuel`](crate::Limits) can
    /// bound a call exactly. Costs up to 2–3 times the running time, which is
    /// why it is off unless asked for (wasmtime's documentation of
    /// `Config::epoch_interruption`).
    pub fuel: bool,
    /// How many instances room is reserved for, so that they are made quickly;
    /// more of them live, and take longer to make. Each slot is 4 GiB of address
    /// space and no memory. Where the machine refuses so many, there are fewer
    /// ([`Engine::slots`]). Default: 1,000.
    pub slots: u32,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            fuel: false,
            slots: slots::DEFAULT,
        }
    }
}

impl EngineConfig {
    /// This configuration, with counting of instructions on or off.
    #[must_use]
    pub fn with_fuel(mut self, fuel: bool) -> Self {
        self.fuel = fuel;
        self
    }

    /// This configuration, with room for so many instances.
    #[must_use]
    pub fn with_slots(mut self, slots: u32) -> Self {
        self.slots = slots;
        self
    }

    /// The wasmtime configuration behind it, for benchmarks and for embedders
    /// who compare against wasmtime used by hand.
    #[must_use]
    pub fn to_wasmtime(&self) -> wasmtime::Config {
        // A new field must be handled here.
        let Self { fuel, slots } = self;
        let mut config = wasmtime::Config::new();
        config
            // Every call into a guest would create a task otherwise: 0.7 µs
            // on a 0.45 µs call. Only asynchronous plugins (WASI 0.3) need it.
            .concurrency_support(false)
            .epoch_interruption(true)
            .consume_fuel(*fuel)
            .wasm_backtrace_max_frames(NonZero::new(FRAMES + 1))
            // Debug information is the guest's, and wasmtime copies a name from it
            // for each of any number of inlined functions. By default an
            // environment variable turns it on.
            .wasm_backtrace_details(WasmBacktraceDetails::Disable);
        proposals::configure(&mut config);
        confine(&mut config);
        if *slots > 0 {
            slots::reserve(&mut config, *slots);
        }
        config
    }
}

/// Keeps guests within their memories, as wasmtime does by default on 64-bit
/// machines; here no default can change it. What cannot be set without `unsafe`
/// (Cranelift's Spectre mitigations) a test reads back.
fn confine(config: &mut wasmtime::Config) {
    config
        // An access out of bounds faults, and the fault is a trap.
        .signals_based_traps(true)
        .guard_before_linear_memory(true);
    if cfg!(target_pointer_width = "64") {
        // All that a 32-bit address can reach, and all that an offset of an
        // instruction adds without a check.
        config
            .memory_reservation(MEMORY_RESERVATION)
            .memory_guard_size(MEMORY_GUARD);
    }
}

/// Compiler and runtime for plugins of any contract. Cheap to clone; every
/// clone is the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    config: EngineConfig,
    /// As [`Engine::slots`].
    slots: u32,
    /// None where it has no slots.
    room: Option<Arc<Room>>,
    told: Arc<Told>,
}

/// What is told once of an engine.
#[derive(Default)]
struct Told {
    fewer: AtomicBool,
    full: AtomicBool,
}

impl Engine {
    /// The process's engine for this configuration, made at the first call and
    /// kept until the process ends.
    ///
    /// # Errors
    /// [`Error::Engine`] when this machine cannot run wasmtime's code.
    pub fn shared(config: &EngineConfig) -> Result<Self> {
        static ENGINES: OnceLock<Mutex<HashMap<EngineConfig, Engine>>> = OnceLock::new();
        // A panic elsewhere leaves the map whole: entries are only ever added.
        let mut engines = ENGINES
            .get_or_init(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.get(config) {
            return Ok(engine.clone());
        }
        let (inner, slots) = probe(config)?;
        let engine = Self {
            inner,
            config: config.clone(),
            slots,
            room: Room::of(slots),
            told: Arc::default(),
        };
        clock::drive(&engine.inner);
        engines.insert(config.clone(), engine.clone());
        Ok(engine)
    }

    /// The configuration it was made with.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// For how many instances it has room: as many as its configuration says,
    /// or fewer where the machine has no such address space (`ulimit -v`, a
    /// processor of 39 bits), down to none.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// Tells, the first time, that it has fewer slots than were wanted.
    pub(crate) fn tell_fewer(&self, observer: &dyn Observer) {
        let (wanted, found) = (self.config.slots, self.slots);
        if found < wanted && !self.told.fewer.swap(true, Ordering::Relaxed) {
            observer.event(&Event::FewerSlots { wanted, found });
        }
    }

    /// Tells, the first time, that all of its slots are taken.
    #[cold]
    pub(crate) fn tell_full(&self, observer: &dyn Observer) {
        if !self.told.full.swap(true, Ordering::Relaxed) {
            observer.event(&Event::SlotsFull { slots: self.slots });
        }
    }

    /// Reserves slots for an instance; none where there are not so many free.
    pub(crate) fn reserve(&self, needs: Needs) -> Option<Reservation> {
        Reservation::take(self.room.as_ref(), needs)
    }

    /// The engine for what has no place in this one's slots.
    pub(crate) fn without_slots(&self) -> Result<Self> {
        Self::shared(&self.config.clone().with_slots(0))
    }

    /// The wasmtime engine itself.
    #[must_use]
    pub fn as_wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }
}

/// Makes an engine with as many of its slots as there is address space for, and
/// says how many those are. Where not all can be had, a half of what can is left
/// to everything else in the process.
fn probe(config: &EngineConfig) -> Result<(wasmtime::Engine, u32)> {
    let make = |slots| wasmtime::Engine::new(&config.clone().with_slots(slots).to_wasmtime());
    if let Ok(engine) = make(config.slots) {
        return Ok((engine, config.slots));
    }
    let most = slots::fewer(config.slots).find(|slots| make(*slots).is_ok());
    // What cannot be had with no slots either, is no matter of slots.
    let found = most.unwrap_or(0) / 2;
    let engine = make(found).map_err(|source| Error::Engine { source })?;
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
