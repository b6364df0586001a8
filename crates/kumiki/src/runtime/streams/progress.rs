//! The time limits of calls that may take as long as they make progress.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::AsContextMut as _;
use wasmtime::component::Accessor;

use crate::StoreData;
use crate::clock::Deadline;

/// When the time of an instance's calls ends, which the thread that waits for them reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// The tick at which the time ends.
    deadline: AtomicU64,
    /// Nanoseconds in which the instance computed.
    computed: AtomicU64,
    timed: Mutex<TimedCalls>,
}

/// The deadlines of calls that have a time limit of their own, by their number. Later calls
/// have higher numbers and later deadlines.
#[derive(Debug, Default)]
struct TimedCalls {
    next: u64,
    deadlines: BTreeMap<u64, u64>,
}

impl Progress {
    /// Starts the time again. Returns the deadline: that of the oldest call with a time
    /// limit of its own, if there is one, and not after the end of the `total` time.
    pub(crate) fn set(&self, deadline: Deadline, total: Option<Deadline>) -> Deadline {
        let oldest = self.timed().oldest();
        let deadline = oldest.unwrap_or(deadline);
        let deadline = total.map_or(deadline, |total| deadline.min(total));
        self.0.deadline.store(deadline.tick(), Ordering::Relaxed);
        deadline
    }

    pub(crate) fn remaining(&self) -> Duration {
        Deadline::at(self.0.deadline.load(Ordering::Relaxed)).remaining()
    }

    /// Counts the time of `compute`, which polls the instance.
    pub(crate) fn count_computing<R>(&self, compute: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = compute();
        let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.computed.fetch_add(nanoseconds, Ordering::Relaxed);
        result
    }

    fn computed(&self) -> Duration {
        Duration::from_nanos(self.0.computed.load(Ordering::Relaxed))
    }

    fn timed(&self) -> MutexGuard<'_, TimedCalls> {
        self.0.timed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TimedCalls {
    fn oldest(&self) -> Option<Deadline> {
        let (_, tick) = self.deadlines.first_key_value()?;
        Some(Deadline::at(*tick))
    }
}

/// Gives one of several calls of an instance a time limit of its own, which is
/// [`Limits::time`](crate::Limits::time), from its creation until it is dropped. When the
/// first of the limits is reached, all calls of the instance end.
/// [`Limits::total_time`](crate::Limits::total_time) does not apply then, because any number
/// of calls may follow one another.
///
/// ```
/// use kumiki::{CallTimer, Instance};
///
/// kumiki::contract!(Enricher {
///     inline: "
///         package example:enricher;
///         world enricher {
///             import look-up: async func(key: string) -> string;
///             export enrich: async func(text: string) -> string;
///         }
///     ",
///     world: "enricher",
///     data: (),
/// });
/// # use kumiki::{HostState, StoreData};
/// # use kumiki::wasmtime::component::{Accessor, HasSelf};
/// # impl enricher::EnricherImports for HostState<()> {}
/// # impl<T: Send + 'static> enricher::EnricherImportsWithStore<T> for HasSelf<HostState<()>> {
/// #     async fn look_up(_: &Accessor<T, Self>, key: String) -> String { key }
/// # }
///
/// /// Calls the plugin with two texts at once; each may take as long as the limit.
/// fn enrich(instance: &mut Instance<Enricher>) -> kumiki::Result<(String, String)> {
///     instance.call_concurrent_blocking("enrich", async |enricher, accessor| {
///         let call = async |text: &str| {
///             let _timer = CallTimer::start(accessor);
///             enricher.call_enrich(accessor, text.to_owned()).await
///         };
///         let (one, other) = futures::future::join(call("one"), call("other")).await;
///         Ok((one?, other?))
///     })
/// }
/// ```
#[derive(Debug)]
#[must_use = "the time limit ends when this is dropped"]
pub struct CallTimer {
    progress: Progress,
    number: u64,
    started: Instant,
    computed: Duration,
}

impl CallTimer {
    /// Starts the time of a call.
    pub fn start(accessor: &Accessor<StoreData>) -> Self {
        accessor.with(|mut access| {
            let mut store = access.as_context_mut();
            let (progress, limit) = store.data_mut().timing();
            let number = {
                let mut timed = progress.timed();
                let number = timed.next;
                timed.next += 1;
                timed.deadlines.insert(number, limit.tick());
                number
            };
            StoreData::made_progress(&mut store);
            Self {
                number,
                started: Instant::now(),
                computed: progress.computed(),
                progress,
            }
        })
    }

    /// Ends the time of the call, and counts that as progress of the others.
    pub fn end(self, accessor: &Accessor<StoreData>) {
        drop(self);
        accessor.with(|mut access| StoreData::made_progress(&mut access.as_context_mut()));
    }

    /// Returns the time since the call started.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns how long the call has waited: the time since it started, without the time in
    /// which any call of its instance computed. That is known for blocking calls only.
    #[must_use]
    pub fn waited(&self) -> Duration {
        let computed = self.progress.computed().saturating_sub(self.computed);
        self.started.elapsed().saturating_sub(computed)
    }
}

impl Drop for CallTimer {
    fn drop(&mut self) {
        self.progress.timed().deadlines.remove(&self.number);
    }
}
