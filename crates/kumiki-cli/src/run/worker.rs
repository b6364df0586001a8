//! A worker: it has instances of its own, takes batches and renders what comes
//! of them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::Instant;

use arrow_array::RecordBatch;
use kumiki_text::{Error, Pipeline, TextPlugin};

use super::batch::{Batch, Unread};
use super::crew::{Shared, Task};
use super::journal::Mark;
use super::rendering::Rendering;
use super::writer::Usages;
use crate::output::ResultWriter;

/// What came of a batch, or of a part of it.
#[derive(Default)]
pub(super) struct Done {
    /// The results, as they are to be written.
    pub(super) text: Vec<u8>,
    /// The same where they are rows of a table, and whether a row group ends with
    /// them.
    pub(super) rows: Vec<(RecordBatch, bool)>,
    /// What is to be said on standard error, in order.
    pub(super) troubles: Vec<Trouble>,
    /// How many records there were.
    pub(super) records: u64,
    /// Results that are missing because a plugin or a line failed.
    pub(super) failed: u64,
    /// How many bytes of results it has.
    pub(super) size: usize,
    /// How many bytes of all inputs were read up to its end.
    pub(super) position: u64,
    /// What there is to say once all of the batch is done; none where more of it
    /// comes.
    pub(super) end: Option<End>,
}

/// The end of a batch.
pub(super) struct End {
    /// The file and line of its last record.
    pub(super) last: Option<(Arc<str>, u64)>,
    /// As [`Batch::mark`].
    pub(super) mark: Mark,
    /// Which worker it was, and what its plugins have used so far, where that is
    /// measured.
    pub(super) usages: Option<(usize, Usages)>,
    /// As [`Batch::room`].
    pub(super) room: usize,
}

/// Something that the format of the results has no place for.
pub(super) enum Trouble {
    /// A plugin gave no result for a record; where that stands.
    Plugin(String, Arc<Error>),
    /// A line of this file is no record.
    Unread(String, Box<Unread>),
    /// This file could not be opened.
    Unopened(String, io::Error),
}

pub(super) struct Worker {
    pub(super) pipeline: Pipeline,
    pub(super) writer: Box<dyn ResultWriter + Send>,
    pub(super) shared: Arc<Shared>,
    /// Its number among the workers.
    pub(super) number: usize,
}

impl Worker {
    /// Works until there is nothing more to do.
    pub(super) fn work(mut self) {
        while let Some(task) = self.shared.next() {
            let Task {
                mut batch,
                number,
                done,
            } = task;
            let start = Instant::now();
            batch.cut();
            let count = batch.items.len();
            let result = self.render(batch, number, &done);
            // What waited for its turn is better cut into smaller batches, too.
            self.shared.pace.took(count, start.elapsed());
            self.shared.unfinished.fetch_sub(1, Ordering::SeqCst);
            if let Err(error) = result {
                // Where nobody waits for it, writing has failed.
                let _ = done.send(Err(error));
            }
        }
    }

    /// Sends a batch through the plugins, and renders what comes of it.
    fn render(
        &mut self,
        batch: Batch,
        number: u64,
        done: &Sender<io::Result<Done>>,
    ) -> io::Result<()> {
        let mut end = End {
            last: batch.last(),
            mark: batch.mark,
            usages: None,
            room: batch.room,
        };
        let (mut rendering, texts) =
            Rendering::new(batch, number, &mut *self.writer, &self.shared.outputs, done);
        if !texts.is_empty() {
            self.pipeline.process_in_parts(&texts, &mut rendering)?;
        }
        end.usages = usages(&self.pipeline, self.number);
        rendering.finish(end)
    }
}

fn usages(pipeline: &Pipeline, worker: usize) -> Option<(usize, Usages)> {
    let usages = pipeline.plugins().iter().map(TextPlugin::usage);
    let usages: Usages = usages.map(|it| it.cloned()).collect();
    usages
        .iter()
        .any(Option::is_some)
        .then_some((worker, usages))
}
