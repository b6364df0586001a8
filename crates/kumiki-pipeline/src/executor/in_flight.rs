//! Bounds how far the reader may be ahead of the writer.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Batches in flight for each worker: one in work, one queued, and two that are done
/// and wait for a slower one before them.
const BATCHES_PER_WORKER: usize = 4;

/// Maximum bytes of records in flight, for any number of workers.
const MAX_BYTES: usize = 16 << 20;

/// Bounds the records that are read and not written yet.
pub(super) struct InFlightBudget {
    max_batches: usize,
    reserved: Mutex<Reserved>,
    released: Condvar,
}

#[derive(Default)]
struct Reserved {
    batches: usize,
    bytes: usize,
}

impl InFlightBudget {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            max_batches: workers.saturating_mul(BATCHES_PER_WORKER),
            reserved: Mutex::default(),
            released: Condvar::new(),
        }
    }

    /// Maximum bytes of a batch, if all batches are to fit into the budget.
    pub(super) fn batch_bytes(&self) -> usize {
        MAX_BYTES / self.max_batches
    }

    /// Waits until a batch of `bytes` bytes fits, and reserves them. A batch that is
    /// larger than the budget gets all of it.
    pub(super) fn reserve(&self, bytes: usize) {
        let full = |reserved: &mut Reserved| {
            reserved.batches >= self.max_batches
                || reserved.batches > 0 && reserved.bytes.saturating_add(bytes) > MAX_BYTES
        };
        let reserved = self.released.wait_while(self.lock(), full);
        let mut reserved = reserved.unwrap_or_else(PoisonError::into_inner);
        reserved.batches += 1;
        reserved.bytes += bytes;
    }

    /// Releases the bytes of a batch that is written.
    pub(super) fn release(&self, bytes: usize) {
        let mut reserved = self.lock();
        reserved.batches -= 1;
        reserved.bytes -= bytes;
        drop(reserved);
        self.released.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Reserved> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Reserves both. Returns whether the second had to wait for the first.
    fn waits(budget: &InFlightBudget, first: usize, second: usize) -> bool {
        budget.reserve(first);
        thread::scope(|scope| {
            let (sender, receiver) = channel();
            scope.spawn(move || {
                budget.reserve(second);
                sender.send(()).unwrap();
            });
            let waited = receiver.recv_timeout(Duration::from_millis(200)).is_err();
            budget.release(first);
            if waited {
                receiver.recv().unwrap();
            }
            budget.release(second);
            waited
        })
    }

    #[test]
    fn batches_over_the_budget_wait() {
        let budget = InFlightBudget::new(1);
        assert!(!waits(&budget, 1, 1));
        assert!(!waits(&budget, MAX_BYTES - 1, 1));
        assert!(waits(&budget, MAX_BYTES, 1));
        assert!(waits(&budget, 1, MAX_BYTES * 2));
        for _ in 0..BATCHES_PER_WORKER - 1 {
            budget.reserve(0);
        }
        assert!(waits(&budget, 0, 0));
    }
}
