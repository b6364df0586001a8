//! Ends a run early from another thread.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ends a run before the end of its input. Cheap to clone; clones interrupt the
/// same run.
///
/// Batches that were read before the interrupt are processed and written, and
/// nothing after them is. The run then returns with
/// [`Summary::interrupted`](crate::Summary::interrupted).
///
/// ```
/// use kumiki_pipeline::Interrupt;
///
/// let interrupt = Interrupt::new();
/// let handle = interrupt.clone();
/// std::thread::spawn(move || handle.trigger()).join().unwrap();
/// assert!(interrupt.is_triggered());
/// ```
#[derive(Clone, Default)]
pub struct Interrupt {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    is_triggered: bool,
    notify: Option<Box<dyn FnOnce() + Send>>,
}

impl Interrupt {
    /// A handle that was not triggered.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Interrupts the run, or the next one that is started with this handle.
    pub fn trigger(&self) {
        let mut state = self.lock();
        state.is_triggered = true;
        let notify = state.notify.take();
        drop(state);
        if let Some(notify) = notify {
            notify();
        }
    }

    /// Whether [`Interrupt::trigger`] was called.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        self.lock().is_triggered
    }

    /// Calls `notify` when the handle is triggered, or at once if it was.
    pub(crate) fn on_trigger(&self, notify: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        if state.is_triggered {
            drop(state);
            notify();
        } else {
            state.notify = Some(Box::new(notify));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_triggered = self.is_triggered();
        f.debug_struct("Interrupt")
            .field("is_triggered", &is_triggered)
            .finish_non_exhaustive()
    }
}
