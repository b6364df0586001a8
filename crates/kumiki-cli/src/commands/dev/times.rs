//! How long a round takes.

use std::time::{Duration, Instant};

/// How long the parts of a round took.
pub(super) struct Times {
    /// When the change was noticed.
    pub(super) start: Instant,
    pub(super) build: Option<Duration>,
    pub(super) load: Option<Duration>,
    pub(super) run: Duration,
}

impl Times {
    pub(super) fn new(start: Instant) -> Self {
        Self {
            start,
            build: None,
            load: None,
            run: Duration::ZERO,
        }
    }
}
