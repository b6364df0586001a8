//! The clock that ends calls which run too long: one thread for the process moves the
//! epochs of all engines.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How often the process-wide clock moves, and so how finely a call's time
/// limit is kept: a call ends at most one tick late, plus whatever host
/// function it is waiting in.
pub const TICK: Duration = Duration::from_millis(10);

/// How often the clock has moved since the process's first instance.
static TICKS: AtomicU64 = AtomicU64::new(0);

/// All engines, whose epochs the clock moves.
static ENGINES: Mutex<Vec<wasmtime::Engine>> = Mutex::new(Vec::new());

/// When a call must be over, in ticks of this clock: reading it costs a nanosecond,
/// the system's clock twenty.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deadline(u64);

impl Deadline {
    /// So many ticks from now.
    #[inline]
    pub(crate) fn after(ticks: u64) -> Self {
        Self(ticks_now().saturating_add(ticks))
    }

    pub(crate) fn left(self) -> Duration {
        let ticks = self.0.saturating_sub(ticks_now());
        TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
    }
}

/// The clock as it is now. It moves from when the first instance is made.
#[inline]
fn ticks_now() -> u64 {
    TICKS.load(Ordering::Relaxed)
}

/// Moves the epoch of this engine as well, until the process ends.
pub(crate) fn drive(engine: &wasmtime::Engine) {
    let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
    engines.push(engine.clone());
}

/// Starts the ticking thread, unless it runs. Done before an instance is made
/// and not with the first engine: a program that restricts its own process
/// ([`Sandbox`](crate::Sandbox)) after it has made a host, and before it makes
/// an instance, has no thread yet that the restriction would miss. The thread
/// ends with the process, as the shared engines do.
///
/// # Errors
/// When the system starts no thread.
#[inline]
pub(crate) fn start() -> io::Result<()> {
    static RUNS: AtomicBool = AtomicBool::new(false);
    if RUNS.load(Ordering::Acquire) {
        return Ok(());
    }
    start_ticker(&RUNS)
}

#[cold]
fn start_ticker(runs: &AtomicBool) -> io::Result<()> {
    // Locked until it runs: of several threads one starts it.
    let _engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
    if runs.load(Ordering::Acquire) {
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
    runs.store(true, Ordering::Release);
    Ok(())
}
