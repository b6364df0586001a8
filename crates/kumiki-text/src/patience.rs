//! Backoff for plugins that fail repeatedly.
//!
//! A trap or an exceeded limit costs a record and an instance. If a plugin failed
//! on every record, each time after ten seconds, a run could take a day. So after
//! a number of failures in a row, the plugin is set aside for a while, then tried
//! again.

use std::time::{Duration, Instant};

/// When a plugin is set aside, and for how long. Errors that the plugin returns are
/// answers and do not count as failures.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// Failures in a row after which the plugin is set aside. Default: 10.
    pub failures: u32,
    /// How long it is set aside the first time. Default: 1 s.
    pub shortest: Duration,
    /// Maximum time. The time doubles with each failed retry, up to this.
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
    /// Sets the number of failures in a row.
    #[must_use]
    pub fn with_failures(self, failures: u32) -> Self {
        Self { failures, ..self }
    }

    /// Sets the first and the maximum time.
    #[must_use]
    pub fn with_times(self, shortest: Duration, longest: Duration) -> Self {
        Self {
            shortest,
            longest,
            ..self
        }
    }
}

/// The recent failures of one plugin.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailureStreak {
    /// Failures in a row.
    pub(crate) failures: u32,
    /// When the plugin is tried again.
    until: Option<Instant>,
}

impl FailureStreak {
    /// Returns how much longer the plugin is set aside, if it is.
    #[inline]
    pub(crate) fn left(&self) -> Option<Duration> {
        let until = self.until?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Resets the streak after an answer.
    #[inline]
    pub(crate) fn answered(&mut self) {
        if self.failures > 0 {
            *self = Self::default();
        }
    }

    /// Records a failure. Returns how long the plugin is now set aside, if it is.
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
    fn time_doubles_with_each_further_failure() {
        let patience = Patience::default()
            .with_failures(3)
            .with_times(Duration::from_secs(10), Duration::from_secs(35));
        let mut streak = FailureStreak::default();
        let fail = |streak: &mut FailureStreak| streak.failed(&patience).map(|it| it.as_secs());
        let times: Vec<_> = (0..6).map(|_| fail(&mut streak)).collect();
        assert_eq!(times, [None, None, Some(10), Some(20), Some(35), Some(35)]);
        assert!(streak.left().is_some());
        streak.answered();
        assert_eq!((streak.failures, streak.left()), (0, None));
        assert_eq!(fail(&mut streak), None);
        streak.failures = u32::MAX;
        assert_eq!(fail(&mut streak), Some(35), "overflow");
    }
}
