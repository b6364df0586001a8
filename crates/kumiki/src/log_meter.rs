//! Counts what a call logs, and says when it is enough.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Limits;
use crate::observer::{Level, LogRecord, Observer};

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is shown.
    Shown,
    /// It is the first beyond the limit: a notice is shown in its place.
    Notice,
    /// It is left out.
    LeftOut,
}

/// The records and bytes that one call has logged, in all the ways there are.
/// Shared by the log of the contract and the guest's standard output, which run
/// on one thread.
///
/// Every call writes to it, so it has cache lines of its own: beside data that all
/// threads read, it made two threads 7 % slower (`text-upper` over 300,000 lines).
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct LogMeter {
    records: AtomicUsize,
    bytes: AtomicUsize,
    most_records: usize,
    most_bytes: usize,
}

impl LogMeter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            records: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            // There is room for one more.
            most_records: limits.log_records.min(usize::MAX - 1),
            most_bytes: limits.log_bytes,
        }
    }

    /// Another call begins.
    #[inline]
    pub(crate) fn reset(&self) {
        self.records.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
    }

    /// Counts a record of so many bytes.
    #[inline]
    pub(crate) fn admit(&self, bytes: usize) -> Admission {
        // No other thread writes, so this need not be one step.
        let records = self.records.load(Ordering::Relaxed);
        let all_bytes = self.bytes.load(Ordering::Relaxed).saturating_add(bytes);
        let was_full = records > self.most_records;
        let is_full = was_full || records == self.most_records || all_bytes > self.most_bytes;
        if is_full {
            // Whichever it was, this call logs nothing more.
            self.records.store(self.most_records + 1, Ordering::Relaxed);
        } else {
            self.records.store(records + 1, Ordering::Relaxed);
            self.bytes.store(all_bytes, Ordering::Relaxed);
        }
        match (is_full, was_full) {
            (false, _) => Admission::Shown,
            (true, false) => Admission::Notice,
            (true, true) => Admission::LeftOut,
        }
    }

    /// The records and bytes of the call so far; one record more than the limit
    /// where that was reached.
    pub(crate) fn logged(&self) -> (usize, usize) {
        let read = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (read(&self.records), read(&self.bytes))
    }

    /// What is said in the place of what is left out.
    pub(crate) fn notice(&self) -> String {
        format!(
            "it logs more than {} records or {} bytes in a call; the rest of them is left out",
            self.most_records, self.most_bytes
        )
    }
}

/// A record on its way to the observer, if the call may still log.
#[inline]
pub(crate) fn log(
    meter: &LogMeter,
    observer: &dyn Observer,
    plugin: &str,
    level: Level,
    message: &str,
) {
    let record = |level, message| LogRecord {
        plugin,
        level,
        message,
    };
    match meter.admit(message.len()) {
        Admission::Shown => observer.log(&record(level, message)),
        Admission::Notice => observer.log(&record(Level::Warn, &meter.notice())),
        Admission::LeftOut => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admissions(sizes: &[usize]) -> Vec<Admission> {
        let meter = LogMeter::new(&Limits::default().with_log(3, 100));
        let admit = |size: &usize| meter.admit(*size);
        let first: Vec<_> = sizes.iter().map(admit).collect();
        meter.reset();
        let again: Vec<_> = sizes.iter().map(admit).collect();
        assert_eq!(first, again, "each call by itself");
        first
    }

    #[test]
    fn beyond_either_limit_there_is_one_notice_and_silence() {
        use Admission::{LeftOut, Notice, Shown};
        assert_eq!(admissions(&[1, 0, 99]), [Shown, Shown, Shown]);
        assert_eq!(
            admissions(&[1, 1, 1, 1, 1]),
            [Shown, Shown, Shown, Notice, LeftOut]
        );
        assert_eq!(admissions(&[60, 60, 1]), [Shown, Notice, LeftOut]);
        assert_eq!(admissions(&[usize::MAX, 1]), [Notice, LeftOut]);
    }
}
