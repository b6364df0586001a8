//! The time limit of a call that may take as long as it moves bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Deadline;

/// The end of the time without progress, which the thread that waits for the call reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Starts the time again.
    pub(crate) fn set(&self, deadline: Deadline) {
        self.0.store(deadline.tick(), Ordering::Relaxed);
    }

    pub(crate) fn remaining(&self) -> Duration {
        Deadline::at(self.0.load(Ordering::Relaxed)).remaining()
    }
}
