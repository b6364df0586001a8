//! A worker: sends batches through instances of its own and renders the results.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use kumiki_text::{Pipeline, TextPlugin};

use super::batch::Batch;
use super::output::{BatchEnd, BatchOutput};
use super::queue::{Queue, Task};
use super::rendering::{Renderer, Rendering};
use crate::summary::Usages;

pub(super) struct Worker {
    pub(super) pipeline: Pipeline,
    pub(super) renderer: Renderer,
    pub(super) queue: Arc<Queue>,
    /// The number of the worker, from 0.
    pub(super) number: usize,
}

impl Worker {
    /// Processes batches until there are no more.
    pub(super) fn work(mut self) {
        while let Some(task) = self.queue.next() {
            let Task {
                mut batch,
                number,
                results,
            } = task;
            let start = Instant::now();
            batch.parse();
            let count = batch.len();
            let result = self.process(batch, number, &results);
            // Waiting for the writer counts: slow output also needs smaller batches.
            self.queue.sizer.record(count, start.elapsed());
            self.queue.finish_one();
            if let Err(error) = result {
                // The receiver is gone when writing has failed.
                let _ = results.send(Err(error));
            }
        }
    }

    /// Sends a batch through the plugins and renders the results.
    fn process(
        &mut self,
        batch: Batch,
        number: u64,
        results: &Sender<io::Result<BatchOutput>>,
    ) -> io::Result<()> {
        let mut end = BatchEnd {
            last: batch.last(),
            position: batch.position,
            usages: None,
            reserved: batch.reserved,
        };
        let (mut rendering, texts) = Rendering::new(
            batch,
            number,
            &mut self.renderer,
            &self.queue.outputs,
            results,
        );
        if !texts.is_empty() {
            self.pipeline.process_in_parts(&texts, &mut rendering)?;
        }
        end.usages = usages(&self.pipeline).map(|usages| (self.number, usages));
        rendering.finish(end)
    }
}

/// What the plugins have used so far, if any is measured.
fn usages(pipeline: &Pipeline) -> Option<Usages> {
    let usages = pipeline.plugins().iter().map(TextPlugin::usage);
    let usages: Usages = usages.map(|it| it.cloned()).collect();
    usages.iter().any(Option::is_some).then_some(usages)
}
