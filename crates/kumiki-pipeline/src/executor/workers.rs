//! The threads of the workers.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use kumiki_text::Pipeline;

use super::output_budget::OutputBudget;
use super::queue::{Queue, Task};
use super::rendering::Renderer;
use super::sizer::BatchSizer;
use super::worker::Worker;
use crate::formats::report::RenderOptions;
use crate::output::Output;

/// The workers. They end when the pool is dropped and the queue is empty.
pub(super) struct WorkerPool {
    tasks: Sender<Task>,
    queue: Arc<Queue>,
    /// The pipelines of workers that are not started yet, taken from the end.
    spare: Vec<Pipeline>,
    started: usize,
    output: Output,
    options: RenderOptions,
}

impl WorkerPool {
    /// At most `workers` workers. The first one has `pipeline` with its instances.
    pub(super) fn new(
        pipeline: Pipeline,
        workers: usize,
        (output, options): (Output, RenderOptions),
        (sizer, outputs): (Arc<BatchSizer>, Arc<OutputBudget>),
    ) -> Self {
        let (queue, tasks) = Queue::new(sizer, outputs);
        let mut spare: Vec<_> = (1..workers).map(|_| pipeline.sibling()).collect();
        spare.push(pipeline);
        Self {
            tasks,
            queue,
            spare,
            started: 0,
            output,
            options,
        }
    }

    /// Queues a batch. Starts another worker when all are busy.
    ///
    /// # Errors
    /// When no thread can be started and there is no worker.
    pub(super) fn submit(&mut self, task: Task) -> io::Result<()> {
        if self.queue.begin_one() > self.started
            && let Some(pipeline) = self.spare.pop()
        {
            let worker = Worker {
                pipeline,
                renderer: Renderer::new(&self.output, self.options),
                queue: self.queue.clone(),
                number: self.started,
            };
            let thread = thread::Builder::new().name(format!("worker {}", self.started + 1));
            match thread.spawn(move || worker.work()) {
                Ok(_) => self.started += 1,
                Err(error) if self.started == 0 => return Err(error),
                // The workers that are started do the work.
                Err(_) => self.spare.clear(),
            }
        }
        // The receiver is part of the queue, so sending does not fail.
        let _ = self.tasks.send(task);
        Ok(())
    }
}
