//! An atomic counter that never exceeds its maximum.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The used amount of a resource, and its maximum.
#[derive(Debug)]
pub(super) struct Counter {
    max: usize,
    used: AtomicUsize,
}

impl Counter {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            used: AtomicUsize::new(0),
        }
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Adds `amount` unless the sum exceeds the maximum. A refused amount is never
    /// counted, not even temporarily, so it cannot cause another thread's amount to be
    /// refused.
    pub(super) fn acquire(&self, amount: usize) -> bool {
        // The number protects no other memory, so relaxed ordering suffices.
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        let acquired = self.used.try_update(set, get, |used| {
            let used = used.checked_add(amount)?;
            (used <= self.max).then_some(used)
        });
        acquired.is_ok()
    }

    pub(super) fn release(&self, amount: usize) {
        self.used.fetch_sub(amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn counter_stays_within_its_maximum() {
        let counter = Counter::new(10);
        for (amount, acquired, used) in [
            (0, true, 0),
            (10, true, 10),
            (0, true, 10),
            (1, false, 10),
            (usize::MAX, false, 10),
        ] {
            assert_eq!((counter.acquire(amount), counter.used()), (acquired, used));
        }
        counter.release(4);
        assert!(!counter.acquire(5));
        assert!(counter.acquire(4));
        assert!(!Counter::new(0).acquire(1));
        assert!(Counter::new(usize::MAX).acquire(usize::MAX));
    }

    /// A thread that repeatedly requests too much never causes another thread's request
    /// to fail.
    #[test]
    fn refused_amount_is_never_counted() {
        let counter = Counter::new(100);
        thread::scope(|scope| {
            let greedy = scope.spawn(|| (0..100_000).any(|_| counter.acquire(101)));
            for _ in 0..100_000 {
                assert!(counter.acquire(100));
                counter.release(100);
            }
            assert!(!greedy.join().unwrap());
        });
        assert_eq!(counter.used(), 0);
    }
}
