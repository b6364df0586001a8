//! Limits what a call logs.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::observer::{Level, LogRecord, Observer};
use crate::{Limits, text};

/// The maximum length of the error that a call may log beyond its limit, in bytes: the
/// message of a panic is not lost because there was much to log before.
const LAST_ERROR: usize = 4 << 10;

/// What to do with a log record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Pass it to the observer.
    Accept,
    /// It is the first beyond the limit: pass on a notice instead.
    Notice,
    /// Drop it.
    Drop,
}

/// Counts the records and bytes that one call logs. Shared by the contract's log and the
/// guest's standard output and error, which run on one thread.
///
/// Every call writes to it, so it is aligned to cache lines of its own: beside data that
/// all threads read, it made two threads 7 % slower (`text-upper` over 300,000 lines).
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct LogMeter {
    records: AtomicUsize,
    bytes: AtomicUsize,
    max_records: usize,
    max_bytes: usize,
    has_last_error: AtomicBool,
}

impl LogMeter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            records: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            // One more must not overflow.
            max_records: limits.log_records.min(usize::MAX - 1),
            max_bytes: limits.log_bytes,
            has_last_error: AtomicBool::new(true),
        }
    }

    /// Resets the counts for the next call.
    #[inline]
    pub(crate) fn reset(&self) {
        self.records.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
        self.has_last_error.store(true, Ordering::Relaxed);
    }

    /// Returns whether the call may still log one error beyond its limit.
    fn take_last_error(&self) -> bool {
        self.has_last_error.swap(false, Ordering::Relaxed)
    }

    /// Counts a record of `bytes` bytes.
    #[inline]
    pub(crate) fn admit(&self, bytes: usize) -> Admission {
        // No other thread writes, so load and store need not be one atomic operation.
        let records = self.records.load(Ordering::Relaxed);
        let all_bytes = self.bytes.load(Ordering::Relaxed).saturating_add(bytes);
        let was_full = records > self.max_records;
        let is_full = was_full || records == self.max_records || all_bytes > self.max_bytes;
        if is_full {
            // Whichever limit was reached, the call logs nothing more.
            self.records.store(self.max_records + 1, Ordering::Relaxed);
        } else {
            self.records.store(records + 1, Ordering::Relaxed);
            self.bytes.store(all_bytes, Ordering::Relaxed);
        }
        match (is_full, was_full) {
            (false, _) => Admission::Accept,
            (true, false) => Admission::Notice,
            (true, true) => Admission::Drop,
        }
    }

    /// Returns the call's records and bytes so far. After the limit was reached, the
    /// number of records is the limit plus one.
    pub(crate) fn logged(&self) -> (usize, usize) {
        let read = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (read(&self.records), read(&self.bytes))
    }

    /// The message that replaces all dropped records.
    pub(crate) fn notice(&self) -> String {
        format!(
            "more than {} records or {} bytes logged in a call; further records are dropped",
            self.max_records, self.max_bytes
        )
    }
}

/// Passes a record to the observer, unless the call has reached its log limit.
#[inline]
pub(crate) fn log(
    meter: &LogMeter,
    observer: &dyn Observer,
    plugin: &str,
    level: Level,
    message: &str,
) {
    let pass = |level, message: &str| {
        observer.log(&LogRecord {
            plugin,
            level,
            message,
        });
    };
    match meter.admit(message.len()) {
        Admission::Accept => return pass(level, message),
        Admission::Notice => pass(Level::Warn, &meter.notice()),
        Admission::Drop => {}
    }
    if level == Level::Error && meter.take_last_error() {
        pass(level, &text::excerpt(message, LAST_ERROR));
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
        assert_eq!(first, again, "each call has its own counts");
        first
    }

    #[test]
    fn records_beyond_either_limit_are_dropped_after_one_notice() {
        use Admission::{Accept, Drop, Notice};
        assert_eq!(admissions(&[1, 0, 99]), [Accept, Accept, Accept]);
        assert_eq!(
            admissions(&[1, 1, 1, 1, 1]),
            [Accept, Accept, Accept, Notice, Drop]
        );
        assert_eq!(admissions(&[60, 60, 1]), [Accept, Notice, Drop]);
        assert_eq!(admissions(&[usize::MAX, 1]), [Notice, Drop]);
    }

    #[derive(Default)]
    struct Messages(std::sync::Mutex<Vec<String>>);

    impl Observer for Messages {
        fn log(&self, record: &LogRecord<'_>) {
            let text = format!("{} {}", record.level, record.message);
            self.0.lock().unwrap().push(text);
        }
    }

    #[test]
    fn call_can_log_one_error_beyond_its_limit() {
        let messages = Messages::default();
        let meter = LogMeter::new(&Limits::default().with_log(1, 100));
        let long = "x".repeat(LAST_ERROR + 1);
        for (level, message) in [
            (Level::Info, "first"),
            (Level::Info, "second"),
            (Level::Error, "panicked"),
            (Level::Error, "again"),
        ] {
            log(&meter, &messages, "p", level, message);
        }
        meter.reset();
        log(&meter, &messages, "p", Level::Error, &long);
        let messages = messages.0.into_inner().unwrap();
        assert_eq!(messages.len(), 5, "{messages:?}");
        assert_eq!(messages[0], "info first");
        assert!(messages[1].starts_with("warn more than 1 records"));
        assert_eq!(messages[2], "error panicked");
        assert_eq!(messages[4].len(), "error ".len() + LAST_ERROR + "…".len());
    }
}
