//! Chooses the number of records in a batch by how long they take.
//!
//! A plugin that takes a microsecond for a record needs thousands of them in a batch,
//! so that the cost of a batch does not matter. A plugin that takes a second needs
//! one, so that all cores work and results appear at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The time that a batch should take: much more than the cost of the batch, and much
/// less than a person waits.
const TARGET: Duration = Duration::from_millis(10);

/// Records in the first batches: enough for a measurement, and few enough for slow
/// plugins.
const INITIAL: usize = 16;

/// Maximum records of a batch. More do not make a run faster.
const MAX_RECORDS: usize = 16384;

/// Maximum bytes of a batch. With a quarter of them a run takes 4 to 8 % longer,
/// because threads wake each other more often.
const MAX_BYTES: usize = 256 * 1024;

/// Chooses the size of batches. The reader asks for it, and workers record times.
pub(super) struct BatchSizer {
    records: AtomicUsize,
    min_records: usize,
    max_records: usize,
    max_bytes: usize,
}

/// How often a batch fills the calls that a plugin processes at the same time: a batch ends
/// with its slowest call, while fewer and fewer others run.
const FILLED: usize = 4;

impl BatchSizer {
    /// Batches of at most `bytes` bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            records: AtomicUsize::new(INITIAL),
            min_records: 1,
            max_records: MAX_RECORDS,
            max_bytes: bytes.min(MAX_BYTES),
        }
    }

    /// Batches of one record, for a terminal: the log of a plugin appears between the
    /// result that it belongs to and the one before.
    pub(super) fn one_by_one() -> Self {
        Self {
            records: AtomicUsize::new(1),
            min_records: 1,
            max_records: 1,
            max_bytes: MAX_BYTES,
        }
    }

    /// The same, with batches for plugins that process `calls` records at the same time.
    pub(super) fn with_concurrent_calls(self, calls: usize) -> Self {
        let min = match calls {
            0 | 1 => 1,
            calls => calls.saturating_mul(FILLED).min(MAX_RECORDS),
        };
        Self {
            records: AtomicUsize::new(self.records().max(min)),
            min_records: min,
            max_records: self.max_records.max(min),
            ..self
        }
    }

    /// Whether a batch with this number of records and bytes is large enough.
    pub(super) fn is_enough(&self, records: usize, bytes: usize) -> bool {
        // No other memory depends on the value.
        records >= self.records.load(Ordering::Relaxed) || bytes >= self.max_bytes
    }

    /// The number of records, at least one, and of bytes that may be added to a batch
    /// with this number of them.
    pub(super) fn remaining(&self, records: usize, bytes: usize) -> (usize, usize) {
        let records = self.records().saturating_sub(records);
        (records.max(1), self.max_bytes.saturating_sub(bytes).max(1))
    }

    /// Maximum records of a batch, for any size of records.
    pub(super) fn records(&self) -> usize {
        self.records.load(Ordering::Relaxed)
    }

    /// Records that a batch of `records` records took `time`.
    pub(super) fn record(&self, records: usize, time: Duration) {
        let each = time.as_nanos() / records.max(1) as u128;
        let fitting = TARGET.as_nanos() / each.max(1);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
        self.records.store(
            fitting.clamp(self.min_records, self.max_records),
            Ordering::Relaxed,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_take_about_the_same_time_for_any_plugin() {
        let sizer = BatchSizer::new(MAX_BYTES);
        let size = || (1..).find(|&records| sizer.is_enough(records, 0)).unwrap();
        assert_eq!(size(), INITIAL);
        for (records, milliseconds, expected) in [
            (16, 1, 160),
            (16, 16, 10),
            (10, 10_000, 1),
            (1, 0, MAX_RECORDS),
            (4096, 1, MAX_RECORDS),
        ] {
            sizer.record(records, Duration::from_millis(milliseconds));
            assert_eq!(size(), expected, "{records} in {milliseconds} ms");
        }
        assert!(sizer.is_enough(1, MAX_BYTES));
        assert!(!sizer.is_enough(1, MAX_BYTES - 1));
        assert!(BatchSizer::new(MAX_BYTES / 2).is_enough(1, MAX_BYTES / 2));
        assert!(BatchSizer::new(MAX_BYTES * 2).is_enough(1, MAX_BYTES));

        for sizer in [BatchSizer::new(MAX_BYTES), BatchSizer::one_by_one()] {
            let sizer = sizer.with_concurrent_calls(16);
            sizer.record(1, Duration::from_secs(1));
            assert_eq!(sizer.records(), 16 * FILLED);
        }

        let sizer = BatchSizer::one_by_one().with_concurrent_calls(1);
        sizer.record(16, Duration::from_nanos(1));
        assert!(sizer.is_enough(1, 0));
    }
}
