//! How long a plugin that fails and fails again is put up with.
//!
//! A trap or a limit costs a record and an instance. A plugin that does so at
//! every record, each time after ten seconds, would cost a day: after a number
//! of failures in a row it is set aside for a while, then tried again.

use std::time::{Duration, Instant};

/// When a plugin is set aside, and for how long. Its own errors, which are
/// answers, do not count as failures.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// Failures in a row after which it is set aside. Default: 10.
    pub failures: u32,
    /// How long, the first time. Default: 1 s.
    pub shortest: Duration,
    /// Each time that it fails when tried again, the time doubles, up to this.
    /// Default: 1 minute.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            failures: 10,
            shortest: Duration::from_secs(1),
            longest: Duration::from_secs(60),
        }
    }
}

impl Patience {
    /// This patience, with another number of failures in a row.
    #[must_use]
    pub fn with_failures(self, failures: u32) -> Self {
        Self { failures, ..self }
    }

    /// This patience, with other times: the first, and the longest.
    #[must_use]
    pub fn with_times(self, shortest: Duration, longest: Duration) -> Self {
        Self {
            shortest,
            longest,
            ..self
        }
    }
}

/// How one plugin has fared of late.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Failures in a row.
    pub(crate) failures: u32,
    /// Until when it is set aside.
    until: Option<Instant>,
}

impl Record {
    /// How much longer it is set aside, if it is.
    #[inline]
    pub(crate) fn left(&self) -> Option<Duration> {
        let until = self.until?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// It answered.
    #[inline]
    pub(crate) fn answered(&mut self) {
        if self.failures > 0 {
            *self = Self::default();
        }
    }

    /// It failed once more. For how long it is set aside now, if it is.
    pub(crate) fn failed(&mut self, patience: &Patience) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        let beyond = self.failures.checked_sub(patience.failures.max(1))?;
        let doubled = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
        let time = patience.shortest.saturating_mul(doubled);
        let time = time.min(patience.longest);
        self.until = Instant::now().checked_add(time);
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_beyond_patience_doubles_the_time() {
        let patience = Patience::default()
            .with_failures(3)
            .with_times(Duration::from_secs(10), Duration::from_secs(35));
        let mut record = Record::default();
        let fail = |record: &mut Record| record.failed(&patience).map(|time| time.as_secs());
        let times: Vec<_> = (0..6).map(|_| fail(&mut record)).collect();
        assert_eq!(times, [None, None, Some(10), Some(20), Some(35), Some(35)]);
        assert!(record.left().is_some());
        record.answered();
        assert_eq!((record.failures, record.left()), (0, None));
        assert_eq!(fail(&mut record), None);
        record.failures = u32::MAX;
        assert_eq!(fail(&mut record), Some(35), "and nothing overflows");
    }
}
