//! Threads for what waits for a file system: a pipe, a network file system, a
//! disk that does not answer. Such a call cannot be interrupted, so it runs on
//! a thread of its own, which is left alone when nobody waits for it any more.
//!
//! Threads are made when they are needed and end when they are idle. What is
//! left alone is bounded for each plugin: who has left as much as it may gets
//! an error before it leaves more.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// Maximum threads with a waiting caller at a time; further calls are queued.
const LIVE: usize = 128;

/// Maximum threads of the process without a waiting caller. The process has at most this
/// many and [`LIVE`] together.
const LEFT: usize = 512;

/// The most calls of one plugin that may be left alone at a time.
const LEFT_BY_PLUGIN: usize = 8;

/// The most streams of one plugin that read or write ahead at a time.
const AHEAD: usize = 4;

/// The most streams of one plugin that wait for that.
const QUEUED: usize = 1024;

/// How long a thread stays when there is nothing to do.
const IDLE: Duration = Duration::from_secs(10);

static POOL: Pool = Pool {
    state: Mutex::new(State {
        queue: VecDeque::new(),
        threads: 0,
        idle: 0,
        left: 0,
    }),
    work: Condvar::new(),
};

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It was not done in time. It may be done later; nobody sees what of it.
    Late,
    /// The plugin has left as many calls alone as it may.
    Full,
    /// It panicked.
    Panicked,
}

/// What one plugin has these threads do.
#[derive(Debug, Default)]
pub(crate) struct ThreadQuota {
    left: AtomicUsize,
    ahead: Mutex<Ahead>,
}

#[derive(Default)]
struct Ahead {
    running: usize,
    queue: VecDeque<Queued>,
}

impl std::fmt::Debug for Ahead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ahead")
            .field("running", &self.running)
            .field("queued", &self.queue.len())
            .finish()
    }
}

type Work = Box<dyn FnOnce() + Send>;

struct Queued {
    wanted: Arc<AtomicBool>,
    work: Work,
}

struct Pool {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
    /// How many threads do what nobody waits for.
    left: usize,
}

struct Job {
    ticket: Arc<Ticket>,
    work: Work,
}

/// How far a job has come.
struct Ticket {
    share: Arc<ThreadQuota>,
    stage: AtomicU8,
}

const QUEUED_UP: u8 = 0;
const RUNNING: u8 = 1;
const LEFT_ALONE: u8 = 2;
const DONE: u8 = 3;
/// Nobody ever waited for it.
const DETACHED: u8 = 4;

impl ThreadQuota {
    /// Does `work` on another thread and waits for it, no longer than `left`.
    pub(crate) fn call<R: Send + 'static>(
        self: &Arc<Self>,
        left: Duration,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Refused> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let ticket = self.submit(Box::new(move || {
            // Nobody may be there any more.
            let _ = sender.send(work());
        }))?;
        receiver.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                ticket.leave();
                Refused::Late
            }
            RecvTimeoutError::Disconnected => Refused::Panicked,
        })
    }

    /// The same for whoever waits otherwise, until this is dropped.
    pub(crate) async fn wait<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Refused> {
        let (sender, receiver) = oneshot::channel();
        let ticket = self.submit(Box::new(move || {
            let _ = sender.send(work());
        }))?;
        let mut waiter = Waiter(Some(ticket));
        let result = receiver.await;
        waiter.0 = None;
        result.map_err(|_| Refused::Panicked)
    }

    /// Does `work` on another thread when it is this plugin's turn, for a
    /// stream that looks later what came of it.
    pub(crate) fn ahead<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<Later<R>, Refused> {
        let (sender, receiver) = oneshot::channel();
        let wanted = Arc::new(AtomicBool::new(true));
        let later = Later {
            receiver,
            wanted: wanted.clone(),
        };
        let work: Work = Box::new(move || {
            let _ = sender.send(work());
        });
        let mut ahead = lock(&self.ahead);
        if ahead.queue.len() >= QUEUED {
            ahead
                .queue
                .retain(|queued| queued.wanted.load(Ordering::Relaxed));
        }
        if ahead.queue.len() >= QUEUED {
            return Err(Refused::Full);
        }
        ahead.queue.push_back(Queued { wanted, work });
        if ahead.running < AHEAD {
            ahead.running += 1;
            drop(ahead);
            let share = self.clone();
            POOL.submit(self.job(DETACHED, Box::new(move || share.work_ahead())));
        }
        Ok(later)
    }

    /// Drops something whose end may have to be waited for, such as an open
    /// file, and waits for it no longer than `left`.
    pub(crate) fn close(
        self: &Arc<Self>,
        left: Duration,
        value: impl Send + 'static,
    ) -> Result<(), Refused> {
        if self.is_full() {
            self.discard(value);
            return Ok(());
        }
        self.call(left, move || drop(value))
    }

    /// The same without waiting.
    pub(crate) fn discard(self: &Arc<Self>, value: impl Send + 'static) {
        POOL.submit(self.job(DETACHED, Box::new(move || drop(value))));
    }

    fn work_ahead(&self) {
        loop {
            let queued = {
                let mut ahead = lock(&self.ahead);
                let Some(queued) = ahead.queue.pop_front() else {
                    ahead.running -= 1;
                    return;
                };
                queued
            };
            if queued.wanted.load(Ordering::Relaxed) {
                run(queued.work);
            }
        }
    }

    fn submit(self: &Arc<Self>, work: Work) -> Result<Arc<Ticket>, Refused> {
        if self.is_full() {
            return Err(Refused::Full);
        }
        let job = self.job(QUEUED_UP, work);
        let ticket = job.ticket.clone();
        match POOL.submit(job) {
            true => Ok(ticket),
            false => Err(Refused::Full),
        }
    }

    fn is_full(&self) -> bool {
        self.left.load(Ordering::Relaxed) >= LEFT_BY_PLUGIN
    }

    fn job(self: &Arc<Self>, stage: u8, work: Work) -> Job {
        let ticket = Ticket {
            share: self.clone(),
            stage: AtomicU8::new(stage),
        };
        Job {
            ticket: Arc::new(ticket),
            work,
        }
    }
}

impl Pool {
    /// Has a thread do it; false where nobody could wait for it any more.
    fn submit(&'static self, job: Job) -> bool {
        let mut state = lock(&self.state);
        if state.left >= LEFT && job.ticket.stage.load(Ordering::Relaxed) == QUEUED_UP {
            return false;
        }
        state.queue.push_back(job);
        self.staff(state)
    }

    /// Sees to it that there is a thread for what is queued.
    fn staff(&'static self, mut state: MutexGuard<'_, State>) -> bool {
        if state.queue.len() <= state.idle {
            drop(state);
            self.work.notify_one();
            return true;
        }
        // What nobody waits for, such as closing a file, may block as well: it has no
        // more threads than these.
        if state.threads - state.left >= LIVE || state.threads >= LIVE + LEFT {
            return true;
        }
        let thread = thread::Builder::new().name("kumiki-files".into());
        match thread.spawn(|| self.serve()) {
            Ok(_) => {
                state.threads += 1;
                true
            }
            // Whoever is there does it in turn.
            Err(_) if state.threads > state.left => true,
            Err(_) => {
                state.queue.pop_back();
                false
            }
        }
    }

    fn serve(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.queue.pop_front() {
                let Some(detached) = job.ticket.begin() else {
                    continue;
                };
                state.left += usize::from(detached);
                drop(state);
                run(job.work);
                state = lock(&self.state);
                state.left -= usize::from(job.ticket.end());
                continue;
            }
            state.idle += 1;
            let waited = self.work.wait_timeout(state, IDLE);
            let (woken, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

impl Ticket {
    /// Whether nobody waits for it; none where it is not to be done at all.
    fn begin(&self) -> Option<bool> {
        let begun =
            self.stage
                .compare_exchange(QUEUED_UP, RUNNING, Ordering::AcqRel, Ordering::Acquire);
        match begun {
            Ok(_) => Some(false),
            Err(DETACHED) => Some(true),
            Err(_) => None,
        }
    }

    /// Whether nobody waited for it in the end.
    fn end(&self) -> bool {
        match self.stage.swap(DONE, Ordering::AcqRel) {
            LEFT_ALONE => {
                self.share.left.fetch_sub(1, Ordering::Relaxed);
                true
            }
            DETACHED => true,
            _ => false,
        }
    }

    /// Nobody waits for it from now on.
    #[cold]
    fn leave(&self) {
        let dequeued =
            self.stage
                .compare_exchange(QUEUED_UP, DONE, Ordering::AcqRel, Ordering::Acquire);
        if dequeued.is_ok() {
            return;
        }
        // Under the lock, so that `end` finds what is counted here.
        let mut state = lock(&POOL.state);
        let left =
            self.stage
                .compare_exchange(RUNNING, LEFT_ALONE, Ordering::AcqRel, Ordering::Acquire);
        if left.is_ok() {
            self.share.left.fetch_add(1, Ordering::Relaxed);
            state.left += 1;
            if !state.queue.is_empty() {
                POOL.staff(state);
            }
        }
    }
}

/// Leaves a job alone when it is dropped before the job is done.
struct Waiter(Option<Arc<Ticket>>);

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(ticket) = &self.0 {
            ticket.leave();
        }
    }
}

/// What comes of work that was begun ahead. Dropped, the work is not begun if
/// it was not yet.
#[derive(Debug)]
pub(crate) struct Later<R> {
    receiver: oneshot::Receiver<R>,
    wanted: Arc<AtomicBool>,
}

impl<R> Later<R> {
    /// What came of it, if it is done.
    pub(crate) fn try_take(&mut self) -> Option<Result<R, Refused>> {
        match self.receiver.try_recv() {
            Ok(result) => Some(Ok(result)),
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(Refused::Panicked)),
        }
    }
}

impl<R> Future for Later<R> {
    type Output = Result<R, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Pin::new(&mut self.receiver).poll(context));
        Poll::Ready(result.map_err(|_| Refused::Panicked))
    }
}

impl<R> Drop for Later<R> {
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Relaxed);
    }
}

/// A thread must survive what it does; whoever waits hears of the panic.
fn run(work: Work) {
    let _ = catch_unwind(AssertUnwindSafe(work));
}

/// Nothing panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "threads_tests.rs"]
mod tests;
