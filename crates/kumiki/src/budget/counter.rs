//! A number that never exceeds its bound, changed by many threads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How much of something is in use, and how much may be.
#[derive(Debug)]
pub(super) struct Counter {
    most: usize,
    used: AtomicUsize,
}

impl Counter {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            used: AtomicUsize::new(0),
        }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Adds `amount` unless that exceeds the bound. An amount that is refused
    /// is never counted, not even for a moment: nobody else is refused for it.
    pub(super) fn take(&self, amount: usize) -> bool {
        // The number guards no other memory: any order will do.
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        let taken = self.used.try_update(set, get, |used| {
            let used = used.checked_add(amount)?;
            (used <= self.most).then_some(used)
        });
        taken.is_ok()
    }

    pub(super) fn give_back(&self, amount: usize) {
        self.used.fetch_sub(amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn it_stays_within_its_bound() {
        let counter = Counter::new(10);
        for (amount, taken, used) in [
            (0, true, 0),
            (10, true, 10),
            (0, true, 10),
            (1, false, 10),
            (usize::MAX, false, 10),
        ] {
            assert_eq!((counter.take(amount), counter.used()), (taken, used));
        }
        counter.give_back(4);
        assert!(!counter.take(5));
        assert!(counter.take(4));
        assert!(!Counter::new(0).take(1));
        assert!(Counter::new(usize::MAX).take(usize::MAX));
    }

    /// A thread asks for too much again and again; that never makes another's
    /// small amount fail.
    #[test]
    fn a_refused_amount_is_never_counted() {
        let counter = Counter::new(100);
        thread::scope(|scope| {
            let greedy = scope.spawn(|| (0..100_000).any(|_| counter.take(101)));
            for _ in 0..100_000 {
                assert!(counter.take(100));
                counter.give_back(100);
            }
            assert!(!greedy.join().unwrap());
        });
        assert_eq!(counter.used(), 0);
    }
}
