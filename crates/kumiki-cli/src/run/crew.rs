//! The workers and the queue that they share.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use kumiki_text::Pipeline;

use super::batch::Batch;
use super::outputs::Outputs;
use super::pace::Pace;
use super::worker::{Done, Worker};
use super::writer::Look;

/// A batch, and where to send what came of it.
pub(super) struct Task {
    pub(super) batch: Batch,
    /// Its number among all batches, from 0.
    pub(super) number: u64,
    pub(super) done: Sender<io::Result<Done>>,
}

/// What all workers share.
pub(super) struct Shared {
    queue: Mutex<Receiver<Task>>,
    /// Batches in the queue and in workers' hands.
    pub(super) unfinished: AtomicUsize,
    pub(super) pace: Arc<Pace>,
    pub(super) outputs: Arc<Outputs>,
}

impl Shared {
    /// The next batch, as soon as there is one; none when there will be none.
    pub(super) fn next(&self) -> Option<Task> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.recv().ok()
    }
}

/// The workers. They end when this is dropped and the queue is empty.
pub(super) struct Crew {
    queue: Sender<Task>,
    shared: Arc<Shared>,
    /// Workers that there was no work for yet; the first of them is the last.
    spare: Vec<Pipeline>,
    started: usize,
    look: Look,
}

impl Crew {
    /// `most` workers, of which the first has `pipeline` and the instances that
    /// are in it.
    pub(super) fn new(
        pipeline: Pipeline,
        most: usize,
        look: Look,
        (pace, outputs): (Arc<Pace>, Arc<Outputs>),
    ) -> Self {
        let (queue, tasks) = channel();
        let mut spare: Vec<_> = (1..most).map(|_| pipeline.sibling()).collect();
        spare.push(pipeline);
        Self {
            queue,
            shared: Arc::new(Shared {
                queue: Mutex::new(tasks),
                unfinished: AtomicUsize::new(0),
                pace,
                outputs,
            }),
            spare,
            started: 0,
            look,
        }
    }

    /// Gives a batch to whoever is free. Where nobody is, another worker starts.
    ///
    /// # Errors
    /// When the system starts no thread and there is no worker.
    pub(super) fn give(&mut self, task: Task) -> io::Result<()> {
        let unfinished = self.shared.unfinished.fetch_add(1, Ordering::SeqCst) + 1;
        if unfinished > self.started
            && let Some(pipeline) = self.spare.pop()
        {
            let worker = Worker {
                pipeline,
                writer: self.look.writer(),
                shared: self.shared.clone(),
                number: self.started,
            };
            let thread = thread::Builder::new().name(format!("worker {}", self.started + 1));
            match thread.spawn(move || worker.work()) {
                Ok(_) => self.started += 1,
                Err(error) if self.started == 0 => return Err(error),
                // The others do its work.
                Err(_) => self.spare.clear(),
            }
        }
        // It never fails: a receiver lies in `shared`.
        let _ = self.queue.send(task);
        Ok(())
    }
}
