//! The process-wide clock behind time limits: one thread increments the epochs of all
//! engines.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The interval of the process-wide clock, and so the resolution of time limits: a call
/// ends at most one tick late, plus the time of the host function that it is in.
pub const TICK: Duration = Duration::from_millis(10);

/// Ticks since the process's first instance.
static TICKS: AtomicU64 = AtomicU64::new(0);

/// All engines whose epochs the clock increments.
static ENGINES: Mutex<Vec<wasmtime::Engine>> = Mutex::new(Vec::new());

/// The end of a call's time limit, in ticks of this clock. Reading this clock takes
/// 1 ns; the system's takes 20 ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(u64);

impl Deadline {
    /// Returns the deadline this many ticks from now.
    #[inline]
    pub(crate) fn after(ticks: u64) -> Self {
        Self(ticks_now().saturating_add(ticks))
    }

    /// Returns the deadline at this tick.
    pub(crate) fn at(tick: u64) -> Self {
        Self(tick)
    }

    pub(crate) fn tick(self) -> u64 {
        self.0
    }

    /// The ticks that remain.
    pub(crate) fn ticks(self) -> u64 {
        self.0.saturating_sub(ticks_now())
    }

    pub(crate) fn remaining(self) -> Duration {
        TICK.saturating_mul(u32::try_from(self.ticks()).unwrap_or(u32::MAX))
    }
}

/// Returns the current tick. The clock starts with the first instance.
#[inline]
fn ticks_now() -> u64 {
    TICKS.load(Ordering::Relaxed)
}

/// Increments the epoch of this engine with each tick, until the process ends.
pub(crate) fn drive(engine: &wasmtime::Engine) {
    let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
    engines.push(engine.clone());
}

/// Starts the clock's thread, unless it runs. The thread ends with the process, like the
/// shared engines.
///
/// Called before an instance is created, and not with the first engine: a program may
/// restrict its own process ([`Sandbox`](crate::Sandbox)) between the two, and the
/// restriction would not apply to a thread that runs already.
///
/// # Errors
/// When the thread cannot be started.
#[inline]
pub(crate) fn start() -> io::Result<()> {
    static RUNNING: AtomicBool = AtomicBool::new(false);
    if RUNNING.load(Ordering::Acquire) {
        return Ok(());
    }
    start_ticker(&RUNNING)
}

#[cold]
fn start_ticker(running: &AtomicBool) -> io::Result<()> {
    // The lock makes sure that only one of several threads starts it.
    let _engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
    if running.load(Ordering::Acquire) {
        return Ok(());
    }
    let thread = thread::Builder::new().name("kumiki-ticker".into());
    thread.spawn(|| {
        loop {
            thread::sleep(TICK);
            TICKS.fetch_add(1, Ordering::Relaxed);
            for engine in &*ENGINES.lock().unwrap_or_else(PoisonError::into_inner) {
                engine.increment_epoch();
            }
        }
    })?;
    running.store(true, Ordering::Release);
    Ok(())
}
