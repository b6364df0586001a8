//! Threads for operations that block on a file system: a pipe, a network file system, a
//! disk that does not respond. Such an operation cannot be interrupted, so it runs on
//! another thread, and is abandoned when its caller stops waiting.
//!
//! Threads start on demand and end when idle. The number of abandoned operations is
//! limited per plugin: a plugin at its limit gets an error instead of a thread.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

/// Maximum threads with a waiting caller at a time; further calls are queued.
const MAX_ATTENDED: usize = 128;

/// Maximum threads of the process without a waiting caller. The process has at most this
/// many and [`MAX_ATTENDED`] together.
const MAX_UNATTENDED: usize = 512;

/// Maximum abandoned operations of one plugin at a time.
const MAX_ABANDONED: usize = 8;

/// Maximum operations of one plugin that run at a time, of those that one instance may start
/// at the same time. Not more than may be abandoned.
const MAX_CONCURRENT: usize = MAX_ABANDONED;

/// Maximum concurrent background tasks of one plugin.
const MAX_BACKGROUND: usize = 4;

/// Maximum queued background tasks of one plugin.
const MAX_QUEUED: usize = 1024;

/// How long an idle thread waits for work before it ends.
const IDLE: Duration = Duration::from_secs(10);

static POOL: ThreadPool = ThreadPool {
    state: Mutex::new(State {
        queue: VecDeque::new(),
        threads: 0,
        idle: 0,
        unattended: 0,
    }),
    work: Condvar::new(),
};

/// Why an operation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It did not complete in time. It may complete later; its result is dropped.
    Late,
    /// The plugin is at a limit of operations, or no thread is available.
    Full,
    /// It panicked.
    Panicked,
}

/// The operations of one plugin: its abandoned calls and its background tasks.
#[derive(Debug)]
pub(crate) struct ThreadQuota {
    abandoned: AtomicUsize,
    background: Mutex<Background>,
    /// For operations that one instance may start at the same time.
    turns: Arc<Semaphore>,
}

impl Default for ThreadQuota {
    fn default() -> Self {
        Self {
            abandoned: AtomicUsize::new(0),
            background: Mutex::default(),
            turns: Arc::new(Semaphore::new(MAX_CONCURRENT)),
        }
    }
}

#[derive(Default)]
struct Background {
    running: usize,
    queue: VecDeque<Queued>,
}

impl std::fmt::Debug for Background {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Background")
            .field("running", &self.running)
            .field("queued", &self.queue.len())
            .finish()
    }
}

type Work = Box<dyn FnOnce() + Send>;

struct Queued {
    /// False once the [`BackgroundTask`] was dropped.
    wanted: Arc<AtomicBool>,
    work: Work,
}

struct ThreadPool {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
    /// Threads that run jobs without a waiting caller: abandoned and detached ones.
    unattended: usize,
}

struct Job {
    ticket: Arc<Ticket>,
    work: Work,
}

/// The stage of a job.
struct Ticket {
    quota: Arc<ThreadQuota>,
    stage: AtomicU8,
}

const QUEUED: u8 = 0;
const RUNNING: u8 = 1;
/// It runs, and its caller stopped waiting.
const ABANDONED: u8 = 2;
const DONE: u8 = 3;
/// No caller waits for it from the start.
const DETACHED: u8 = 4;

impl ThreadQuota {
    /// Runs `work` on another thread and waits for its result, at most for `timeout`.
    pub(crate) fn call<R: Send + 'static>(
        self: &Arc<Self>,
        timeout: Duration,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Refused> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let ticket = self.submit(Box::new(move || {
            // Fails if the caller stopped waiting.
            let _ = sender.send(work());
        }))?;
        receiver.recv_timeout(timeout).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                ticket.abandon();
                Refused::Late
            }
            RecvTimeoutError::Disconnected => Refused::Panicked,
        })
    }

    /// Runs `work` on another thread. Dropping the returned future abandons it.
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

    /// Runs `work` as [`ThreadQuota::wait`] does, and first waits until fewer than
    /// [`MAX_CONCURRENT`] operations of this kind run. One instance may start any number of
    /// them, and must not take the threads that other plugins need. An abandoned operation
    /// counts until it ends.
    pub(crate) async fn wait_in_turn<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Refused> {
        if self.is_full() {
            return Err(Refused::Full);
        }
        let turn = self.turns.clone().acquire_owned().await;
        let turn = turn.map_err(|_| Refused::Full)?;
        self.wait(move || {
            let _turn = turn;
            work()
        })
        .await
    }

    /// Queues `work` as a background task of this plugin, for a stream that takes the result
    /// later. At most [`MAX_BACKGROUND`] run at a time.
    pub(crate) fn spawn<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<BackgroundTask<R>, Refused> {
        let (sender, receiver) = oneshot::channel();
        let wanted = Arc::new(AtomicBool::new(true));
        let task = BackgroundTask {
            receiver,
            wanted: wanted.clone(),
        };
        let work: Work = Box::new(move || {
            let _ = sender.send(work());
        });
        let mut background = lock(&self.background);
        if background.queue.len() >= MAX_QUEUED {
            background
                .queue
                .retain(|queued| queued.wanted.load(Ordering::Relaxed));
        }
        if background.queue.len() >= MAX_QUEUED {
            return Err(Refused::Full);
        }
        background.queue.push_back(Queued { wanted, work });
        if background.running < MAX_BACKGROUND {
            background.running += 1;
            drop(background);
            let quota = self.clone();
            POOL.submit(self.job(DETACHED, Box::new(move || quota.run_background())));
        }
        Ok(task)
    }

    /// Drops a value on another thread without waiting.
    pub(crate) fn discard(self: &Arc<Self>, value: impl Send + 'static) {
        POOL.submit(self.job(DETACHED, Box::new(move || drop(value))));
    }

    /// Runs queued background tasks until the queue is empty.
    fn run_background(&self) {
        loop {
            let queued = {
                let mut background = lock(&self.background);
                let Some(queued) = background.queue.pop_front() else {
                    background.running -= 1;
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
        let job = self.job(QUEUED, work);
        let ticket = job.ticket.clone();
        match POOL.submit(job) {
            true => Ok(ticket),
            false => Err(Refused::Full),
        }
    }

    /// Whether the plugin has as many abandoned operations as it may.
    pub(crate) fn is_full(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed) >= MAX_ABANDONED
    }

    fn job(self: &Arc<Self>, stage: u8, work: Work) -> Job {
        let ticket = Ticket {
            quota: self.clone(),
            stage: AtomicU8::new(stage),
        };
        Job {
            ticket: Arc::new(ticket),
            work,
        }
    }
}

impl ThreadPool {
    /// Queues a job for a thread. Returns false if the job was not queued: there are too many
    /// unattended threads for one that might be abandoned, or no thread could be started.
    fn submit(&'static self, job: Job) -> bool {
        let mut state = lock(&self.state);
        if state.unattended >= MAX_UNATTENDED && job.ticket.stage.load(Ordering::Relaxed) == QUEUED
        {
            return false;
        }
        state.queue.push_back(job);
        self.ensure_thread(state)
    }

    /// Wakes or starts a thread for the queued jobs.
    fn ensure_thread(&'static self, mut state: MutexGuard<'_, State>) -> bool {
        if state.queue.len() <= state.idle {
            drop(state);
            self.work.notify_one();
            return true;
        }
        // Unattended jobs, such as closing a file, may block as well. The second limit
        // includes their threads.
        if state.threads - state.unattended >= MAX_ATTENDED
            || state.threads >= MAX_ATTENDED + MAX_UNATTENDED
        {
            return true;
        }
        let thread = thread::Builder::new().name("kumiki-files".into());
        match thread.spawn(|| self.serve()) {
            Ok(_) => {
                state.threads += 1;
                true
            }
            // The existing threads do it later.
            Err(_) if state.threads > state.unattended => true,
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
                let Some(detached) = job.ticket.start() else {
                    continue;
                };
                state.unattended += usize::from(detached);
                drop(state);
                run(job.work);
                state = lock(&self.state);
                state.unattended -= usize::from(job.ticket.finish());
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
    /// Marks the job as running and returns whether it is detached. Returns `None` if the job
    /// was cancelled in the queue.
    fn start(&self) -> Option<bool> {
        let started =
            self.stage
                .compare_exchange(QUEUED, RUNNING, Ordering::AcqRel, Ordering::Acquire);
        match started {
            Ok(_) => Some(false),
            Err(DETACHED) => Some(true),
            Err(_) => None,
        }
    }

    /// Marks the job as done and returns whether it was unattended.
    fn finish(&self) -> bool {
        match self.stage.swap(DONE, Ordering::AcqRel) {
            ABANDONED => {
                self.quota.abandoned.fetch_sub(1, Ordering::Relaxed);
                true
            }
            DETACHED => true,
            _ => false,
        }
    }

    /// Cancels a queued job, or counts a running one as abandoned.
    #[cold]
    fn abandon(&self) {
        let cancelled =
            self.stage
                .compare_exchange(QUEUED, DONE, Ordering::AcqRel, Ordering::Acquire);
        if cancelled.is_ok() {
            return;
        }
        // Holds the lock, so that `finish` subtracts only after this has added.
        let mut state = lock(&POOL.state);
        let abandoned =
            self.stage
                .compare_exchange(RUNNING, ABANDONED, Ordering::AcqRel, Ordering::Acquire);
        if abandoned.is_ok() {
            self.quota.abandoned.fetch_add(1, Ordering::Relaxed);
            state.unattended += 1;
            if !state.queue.is_empty() {
                POOL.ensure_thread(state);
            }
        }
    }
}

/// Abandons a job when it is dropped before the job is done.
struct Waiter(Option<Arc<Ticket>>);

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(ticket) = &self.0 {
            ticket.abandon();
        }
    }
}

/// A background task. Dropping it cancels the task if it has not started.
#[derive(Debug)]
pub(crate) struct BackgroundTask<R> {
    receiver: oneshot::Receiver<R>,
    wanted: Arc<AtomicBool>,
}

impl<R> BackgroundTask<R> {
    /// Takes the result, if the task is done.
    pub(crate) fn try_take(&mut self) -> Option<Result<R, Refused>> {
        match self.receiver.try_recv() {
            Ok(result) => Some(Ok(result)),
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(Refused::Panicked)),
        }
    }
}

impl<R> Future for BackgroundTask<R> {
    type Output = Result<R, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Pin::new(&mut self.receiver).poll(context));
        Poll::Ready(result.map_err(|_| Refused::Panicked))
    }
}

impl<R> Drop for BackgroundTask<R> {
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Relaxed);
    }
}

/// Runs a job and catches its panic, which the caller sees as [`Refused::Panicked`].
fn run(work: Work) {
    let _ = catch_unwind(AssertUnwindSafe(work));
}

/// Ignores poisoning: nothing panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
