//! Bounds the bytes of results that wait to be written.
//!
//! A batch that is ahead of the writer stays within a share of the limit, and the
//! sum of all shares is bounded. The batch that the writer waits for may use the
//! whole limit, one part at a time, and never waits for another batch. So one batch
//! always makes progress.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The least share of a worker in bytes: enough for the results of most calls.
const MIN_SHARE: usize = 256 << 10;

/// Bounds the results that are rendered and not written yet.
pub(super) struct OutputBudget {
    limit: usize,
    share: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Bytes of all results that wait.
    waiting: usize,
    /// The number of the batch that the writer waits for, and its written bytes.
    turn: u64,
    written: usize,
}

impl OutputBudget {
    /// A budget of `limit` bytes for `workers` workers, at least one.
    pub(super) fn new(limit: usize, workers: usize) -> Self {
        Self {
            limit,
            share: (limit / workers).max(MIN_SHARE).min(limit),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Maximum bytes of the results of one record.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Maximum bytes that a batch may have before its turn.
    pub(super) fn share(&self) -> usize {
        self.share
    }

    /// Waits until a batch may have more results, of which `handed_over` bytes wait or
    /// are written. Returns true when it is the batch's turn and all of its results are
    /// written: then it may use the whole limit. With `turn` it waits until then.
    pub(super) fn wait(&self, batch: u64, handed_over: usize, turn: bool) -> bool {
        let is_alone = |state: &State| state.turn == batch && state.written == handed_over;
        let waits = |state: &mut State| !is_alone(state) && (turn || state.waiting >= self.limit);
        let state = self.changed.wait_while(self.lock(), waits);
        is_alone(&state.unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts `bytes` bytes that wait to be written.
    pub(super) fn reserve(&self, bytes: usize) {
        self.lock().waiting += bytes;
    }

    /// Releases `bytes` written bytes of the batch whose turn it is. With `last` the
    /// turn passes to the next batch.
    pub(super) fn release(&self, bytes: usize, last: bool) {
        let mut state = self.lock();
        state.waiting -= bytes;
        state.written += bytes;
        if last {
            state.turn += 1;
            state.written = 0;
        }
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn workers_share_the_limit() {
        for (limit, workers, share) in [
            (64 << 20, 1, 64 << 20),
            (64 << 20, 16, 4 << 20),
            (64 << 20, 1000, MIN_SHARE),
            (1000, 4, 1000),
        ] {
            assert_eq!(OutputBudget::new(limit, workers).share(), share);
        }
    }

    /// Whether a batch waits until `then` was called.
    fn waits(outputs: &OutputBudget, batch: u64, turn: bool, then: impl FnOnce()) -> bool {
        thread::scope(|scope| {
            let (sender, receiver) = channel();
            scope.spawn(move || sender.send(outputs.wait(batch, 0, turn)));
            let waited = receiver.recv_timeout(Duration::from_millis(200)).is_err();
            then();
            if waited {
                receiver.recv().unwrap();
            }
            waited
        })
    }

    #[test]
    fn batches_wait_only_before_their_turn() {
        let outputs = OutputBudget::new(100, 2);
        outputs.reserve(99);
        assert!(!waits(&outputs, 1, false, || {}));
        outputs.reserve(1);
        assert!(!waits(&outputs, 0, false, || {}), "it is its turn");
        assert!(!waits(&outputs, 0, true, || {}));
        let write = || outputs.release(1, false);
        assert!(waits(&outputs, 1, false, write));
        let write = || outputs.release(9, true);
        assert!(
            waits(&outputs, 1, true, write),
            "released bytes are no turn"
        );
    }
}
