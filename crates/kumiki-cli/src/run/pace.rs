//! How many records a batch should have, found out by how long they take.
//!
//! A plugin that takes a microsecond wants thousands, so that handing them over
//! costs nothing; one that takes a second wants one, so that no core is idle
//! and results come as they are made.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What a batch should take: far more than handing it over does, and far less
/// than a person waits.
const AIM: Duration = Duration::from_millis(10);

/// The first batches: enough to learn from, few enough for slow plugins.
const FIRST: usize = 16;

/// More records make nothing quicker.
const MOST: usize = 16384;

/// More bytes neither; a quarter of them took 4 to 8 % longer, for the threads
/// woke each other more often.
const BYTES: usize = 256 * 1024;

/// Shared by the reader, which asks, and the workers, which tell.
pub(super) struct Pace {
    records: AtomicUsize,
    most: usize,
    bytes: usize,
}

impl Pace {
    /// With so many bytes in a batch at the most.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            records: AtomicUsize::new(FIRST),
            most: MOST,
            bytes: bytes.min(BYTES),
        }
    }

    /// For a person who watches: what a plugin logs about a record stands above
    /// its result, and below the one before.
    pub(super) fn one_by_one() -> Self {
        Self {
            records: AtomicUsize::new(1),
            most: 1,
            bytes: BYTES,
        }
    }

    /// Whether a batch of so many records and bytes is large enough.
    pub(super) fn is_enough(&self, records: usize, bytes: usize) -> bool {
        // Nothing else depends on it: any order of memory will do.
        records >= self.records.load(Ordering::Relaxed) || bytes >= self.bytes
    }

    /// How many records and bytes may be added to so many, one record at least.
    pub(super) fn left(&self, records: usize, bytes: usize) -> (usize, usize) {
        let records = self.records().saturating_sub(records);
        (records.max(1), self.bytes.saturating_sub(bytes).max(1))
    }

    /// How many records a batch may have, whatever their size.
    pub(super) fn records(&self) -> usize {
        self.records.load(Ordering::Relaxed)
    }

    /// So many records took so long.
    pub(super) fn took(&self, records: usize, time: Duration) {
        let each = time.as_nanos() / records.max(1) as u128;
        let fitting = AIM.as_nanos() / each.max(1);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
        self.records
            .store(fitting.clamp(1, self.most), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_take_about_as_long_whatever_the_plugin() {
        let pace = Pace::new(BYTES);
        let size = || (1..).find(|&records| pace.is_enough(records, 0)).unwrap();
        assert_eq!(size(), FIRST);
        for (records, milliseconds, expected) in [
            (16, 1, 160),
            (16, 16, 10),
            (10, 10_000, 1),
            (1, 0, MOST),
            (4096, 1, MOST),
        ] {
            pace.took(records, Duration::from_millis(milliseconds));
            assert_eq!(size(), expected, "{records} in {milliseconds} ms");
        }
        assert!(pace.is_enough(1, BYTES));
        assert!(!pace.is_enough(1, BYTES - 1));
        assert!(Pace::new(BYTES / 2).is_enough(1, BYTES / 2));
        assert!(Pace::new(BYTES * 2).is_enough(1, BYTES));

        let pace = Pace::one_by_one();
        pace.took(16, Duration::from_nanos(1));
        assert!(pace.is_enough(1, 0));
    }
}
