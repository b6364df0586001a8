//! The circuit breaker: stops calling a plugin that keeps failing.
//!
//! A trap or an exceeded limit costs a record and an instance. If a plugin failed
//! on every record, each time after ten seconds, a run could take a day. So after
//! a number of failures in a row the circuit opens: for a while, records fail
//! without a call. Then the next record is tried again.

use std::fmt;
use std::time::{Duration, Instant};

use kumiki::ContractEvent;

/// When the circuit of a plugin opens, and for how long. Errors that the plugin
/// returns are answers and do not count as failures.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitBreaker {
    /// Failures in a row after which the circuit opens. Default: 10.
    pub failure_threshold: u32,
    /// How long it stays open the first time. Default: 1 s.
    pub min_open: Duration,
    /// Maximum time that it stays open. The time doubles with each failed retry, up
    /// to this. Default: 1 minute.
    pub max_open: Duration,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self {
            failure_threshold: 10,
            min_open: Duration::from_secs(1),
            max_open: Duration::from_secs(60),
        }
    }
}

impl CircuitBreaker {
    /// Returns a circuit breaker that never opens: every record is a call.
    #[must_use]
    pub fn disabled() -> Self {
        Self::default().with_failure_threshold(u32::MAX)
    }

    /// Sets [`CircuitBreaker::failure_threshold`].
    #[must_use]
    pub fn with_failure_threshold(self, failures: u32) -> Self {
        Self {
            failure_threshold: failures,
            ..self
        }
    }

    /// Sets [`CircuitBreaker::min_open`] and [`CircuitBreaker::max_open`].
    #[must_use]
    pub fn with_open_time(self, min: Duration, max: Duration) -> Self {
        Self {
            min_open: min,
            max_open: max,
            ..self
        }
    }
}

/// The circuit of a plugin opened; a [`ContractEvent`] for the host's observer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitOpened {
    /// The number of failures in a row.
    pub failures: u32,
    /// How long the plugin is not called.
    pub time: Duration,
}

impl fmt::Display for CircuitOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failures, time } = self;
        write!(
            f,
            "failed {failures} times in a row; next attempt in {time:.0?}"
        )
    }
}

impl ContractEvent for CircuitOpened {}

/// The recent failures of one plugin.
#[derive(Clone, Debug, Default)]
pub(crate) struct BreakerState {
    /// Failures in a row.
    pub(crate) failures: u32,
    /// When the plugin is tried again.
    until: Option<Instant>,
}

impl BreakerState {
    /// Returns how much longer the circuit is open, if it is.
    #[inline]
    pub(crate) fn open_for(&self) -> Option<Duration> {
        let until = self.until?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Closes the circuit after an answer.
    #[inline]
    pub(crate) fn succeeded(&mut self) {
        if self.failures > 0 {
            *self = Self::default();
        }
    }

    /// Counts a failure. Returns the event if it opened the circuit.
    pub(crate) fn failed(&mut self, breaker: &CircuitBreaker) -> Option<CircuitOpened> {
        self.failures = self.failures.saturating_add(1);
        let threshold = breaker.failure_threshold.max(1);
        let retries = self.failures.checked_sub(threshold)?;
        let doubled = 1_u32.checked_shl(retries).unwrap_or(u32::MAX);
        let time = breaker.min_open.saturating_mul(doubled);
        let time = time.min(breaker.max_open);
        self.until = Instant::now().checked_add(time);
        Some(CircuitOpened {
            failures: self.failures,
            time,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_doubles_with_each_further_failure() {
        let breaker = CircuitBreaker::default()
            .with_failure_threshold(3)
            .with_open_time(Duration::from_secs(10), Duration::from_secs(35));
        let mut state = BreakerState::default();
        let fail = |state: &mut BreakerState| {
            let opened = state.failed(&breaker);
            opened.map(|opened| opened.time.as_secs())
        };
        let times: Vec<_> = (0..6).map(|_| fail(&mut state)).collect();
        assert_eq!(times, [None, None, Some(10), Some(20), Some(35), Some(35)]);
        assert!(state.open_for().is_some());
        state.succeeded();
        assert_eq!((state.failures, state.open_for()), (0, None));
        assert_eq!(fail(&mut state), None);
        state.failures = u32::MAX;
        assert_eq!(fail(&mut state), Some(35), "overflow");
    }
}
