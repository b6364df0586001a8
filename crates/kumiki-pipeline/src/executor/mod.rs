//! Sends records through plugins on all cores.
//!
//! ```text
//! reader --batch--> queue --> worker, with instances of its own --results--> writer
//!    '---------- pending batches, in the order of the input -------------------^
//! ```
//!
//! The reader cuts the input into batches. It puts each batch into the queue that
//! all workers share, and its receiver into the line of pending batches that the
//! writer waits for. So results are written in the order of the input, and nothing
//! is sorted. [`InFlightBudget`] bounds what is read and not written yet: the reader
//! waits when it is too far ahead. [`OutputBudget`] bounds the results: a batch with
//! more than its share is written in parts.
//!
//! - A record never waits for the next one. A batch ends where the next read may
//!   block, and everything that is written is flushed before the writer waits.
//! - Workers are started when all others are busy. Records that come one by one are
//!   processed by the same instances.
//! - No thread is joined before the end of the input. A thread that waits for a
//!   terminal or for a plugin does not delay the end of an interrupted run.
//! - An interrupt is one more pending entry. Batches before it are finished and
//!   written, and nothing after it is.

mod batch;
mod in_flight;
mod output;
mod output_budget;
mod queue;
mod reader;
mod rendering;
mod sizer;
mod worker;
mod workers;
mod writer;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::channel;

use kumiki_text::{Pipeline, TextPlugin};

use crate::event::RunObserver;
use crate::formats::report::RenderOptions;
use crate::input::open::OpenInputs;
use crate::interrupt::Interrupt;
use crate::journal::Position;
use crate::output::Output;
use crate::sink::Sink;
use crate::summary::Summary;
use in_flight::InFlightBudget;
pub(crate) use output::panicked;
use output::{Pending, PendingSender};
use output_budget::OutputBudget;
use reader::{Reader, ReaderOptions};
use sizer::BatchSizer;
use workers::WorkerPool;
use writer::Writer;

/// A run that is ready to begin.
pub(crate) struct Job {
    pub(crate) inputs: OpenInputs,
    pub(crate) output: Output,
    pub(crate) sink: Sink,
    /// The bytes before the first result.
    pub(crate) head: Vec<u8>,
    /// The position that an earlier run has reached, and how many results were
    /// missing there.
    pub(crate) resumed: Option<(Position, u64)>,
    pub(crate) render: RenderOptions,
    /// Maximum number of workers, at least one.
    pub(crate) workers: usize,
    /// Maximum bytes of results that wait to be written.
    pub(crate) output_limit: usize,
    /// Whether records of nothing but white space are skipped.
    pub(crate) skip_blank: bool,
}

/// Sends all records through `pipeline` and writes the results.
///
/// # Errors
/// When results cannot be written, or a thread has panicked.
pub(crate) fn execute(
    job: Job,
    pipeline: Pipeline,
    observer: &dyn RunObserver,
    interrupt: &Interrupt,
) -> io::Result<Summary> {
    let (sender, pending) = channel();
    let interrupted = sender.clone();
    interrupt.on_trigger(move || {
        // The receiver is gone when the run has ended.
        let _ = interrupted.send(Pending::Interrupted);
    });
    let in_flight = Arc::new(InFlightBudget::new(job.workers));
    let sizer = match job.render.is_terminal {
        true => BatchSizer::one_by_one(),
        false => BatchSizer::new(in_flight.batch_bytes()),
    };
    let calls = pipeline.plugins().iter().map(TextPlugin::concurrent_calls);
    let sizer = Arc::new(sizer.with_concurrent_calls(calls.max().unwrap_or(1)));
    let outputs = Arc::new(OutputBudget::new(job.output_limit, job.workers));
    let pool = WorkerPool::new(
        pipeline,
        job.workers,
        (job.output.clone(), job.render),
        (sizer.clone(), outputs.clone()),
    );
    let OpenInputs {
        list,
        format,
        options,
        ..
    } = job.inputs;
    let reader = Reader::new(
        ReaderOptions {
            inputs: options,
            skip_blank: job.skip_blank,
            several_workers: job.workers > 1,
            format,
            output: job.output,
        },
        sizer,
        in_flight.clone(),
        pool,
        PendingSender(sender),
    );
    let (position, failed_before) = job.resumed.unwrap_or_default();
    let reader = reader.start(list, position)?;
    let mut writer = Writer::new(job.sink, observer, position, failed_before);
    writer.begin(&job.head)?;
    writer.write_all(&pending, &in_flight, &outputs)?;
    let usages = writer.take_usages();
    let totals = &writer.totals;
    let summary = Summary {
        records: totals.records,
        failed: totals.failed,
        failed_before,
        last: totals.last.clone(),
        interrupted: totals.interrupted,
        usages,
    };
    if summary.interrupted {
        // The reader may wait for its input, and the workers for the reader.
        writer.checkpoint()?;
        return Ok(summary);
    }
    reader.join().map_err(|_| panicked("the reader"))??;
    writer.finish()?;
    Ok(summary)
}
