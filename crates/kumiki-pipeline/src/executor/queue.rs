//! The queue of batches that all workers share.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::batch::Batch;
use super::output::BatchOutput;
use super::output_budget::OutputBudget;
use super::sizer::BatchSizer;

/// A batch, and where its results are sent.
pub(super) struct Task {
    pub(super) batch: Batch,
    /// The number of the batch over the whole run, from 0.
    pub(super) number: u64,
    pub(super) results: Sender<io::Result<BatchOutput>>,
}

/// The state that all workers share.
pub(super) struct Queue {
    tasks: Mutex<Receiver<Task>>,
    /// Number of batches that are queued or in work.
    unfinished: AtomicUsize,
    pub(super) sizer: Arc<BatchSizer>,
    pub(super) outputs: Arc<OutputBudget>,
}

impl Queue {
    /// A queue, and the sender of its tasks.
    pub(super) fn new(
        sizer: Arc<BatchSizer>,
        outputs: Arc<OutputBudget>,
    ) -> (Arc<Self>, Sender<Task>) {
        let (sender, tasks) = channel();
        let queue = Self {
            tasks: Mutex::new(tasks),
            unfinished: AtomicUsize::new(0),
            sizer,
            outputs,
        };
        (Arc::new(queue), sender)
    }

    /// Waits for the next batch. `None` when there will be no more.
    pub(super) fn next(&self) -> Option<Task> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.recv().ok()
    }

    /// Counts one more batch. Returns how many are unfinished.
    pub(super) fn begin_one(&self) -> usize {
        self.unfinished.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Counts one batch as finished.
    pub(super) fn finish_one(&self) {
        self.unfinished.fetch_sub(1, Ordering::SeqCst);
    }
}
