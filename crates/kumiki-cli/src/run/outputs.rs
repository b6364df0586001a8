//! How much of results may wait to be written.
//!
//! Whoever works ahead of the writer stays within a share, so that all shares
//! together are bounded. The batch that the writer waits for is nobody's
//! hindrance: it may have all of the limit, a part at a time, and never waits for
//! another. So there is always one that goes on.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The least that a worker may make of results before its turn, in bytes: what
/// most calls hand over.
const LEAST: usize = 256 << 10;

/// Bounds the results that are made and not yet written.
pub(super) struct Outputs {
    limit: usize,
    share: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Bytes of all results that wait.
    held: usize,
    /// The batch that the writer waits for, and how many bytes of it are written.
    turn: u64,
    written: usize,
}

impl Outputs {
    /// So many bytes of results, for so many workers, one at least.
    pub(super) fn new(limit: usize, workers: usize) -> Self {
        Self {
            limit,
            share: (limit / workers).max(LEAST).min(limit),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// The most that one record's results may have, in bytes.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// How much a worker may have in its hands before its turn, in bytes.
    pub(super) fn share(&self) -> usize {
        self.share
    }

    /// Waits until there is room for more results of a batch, of which so many
    /// bytes wait or are written already. True where its turn has come and
    /// nothing of it waits: then it may have the whole limit. With `turn` it waits
    /// for no less.
    pub(super) fn wait(&self, batch: u64, made: usize, turn: bool) -> bool {
        let is_alone = |state: &State| state.turn == batch && state.written == made;
        let waits = |state: &mut State| !is_alone(state) && (turn || state.held >= self.limit);
        let state = self.changed.wait_while(self.lock(), waits);
        is_alone(&state.unwrap_or_else(PoisonError::into_inner))
    }

    /// So many bytes more wait to be written.
    pub(super) fn add(&self, bytes: usize) {
        self.lock().held += bytes;
    }

    /// So many bytes of the batch whose turn it is are written; with `last` it is
    /// the next one's turn.
    pub(super) fn written(&self, bytes: usize, last: bool) {
        let mut state = self.lock();
        state.held -= bytes;
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
    fn shares_of_all_workers_are_within_the_limit() {
        for (limit, workers, share) in [
            (64 << 20, 1, 64 << 20),
            (64 << 20, 16, 4 << 20),
            (64 << 20, 1000, LEAST),
            (1000, 4, 1000),
        ] {
            assert_eq!(Outputs::new(limit, workers).share(), share);
        }
    }

    /// Whether a batch waits until `then` is done.
    fn waits(outputs: &Outputs, batch: u64, turn: bool, then: impl FnOnce()) -> bool {
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
    fn only_batches_before_their_turn_wait_for_room() {
        let outputs = Outputs::new(100, 2);
        outputs.add(99);
        assert!(!waits(&outputs, 1, false, || {}));
        outputs.add(1);
        assert!(!waits(&outputs, 0, false, || {}), "its turn is now");
        assert!(!waits(&outputs, 0, true, || {}));
        let write = || outputs.written(1, false);
        assert!(waits(&outputs, 1, false, write));
        let write = || outputs.written(9, true);
        assert!(waits(&outputs, 1, true, write), "room is no turn");
    }
}
