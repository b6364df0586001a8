//! How records travel through plugins on all cores.
//!
//! ```text
//! reader --batch--> queue --> worker, one set of instances each --done--> writer
//!    '-------------- slots, in the order of the input ---------------------^
//! ```
//!
//! The reader cuts the input into batches. For each it puts a job into the
//! queue, which the workers share, and a slot into the line of what the writer
//! waits for: so results come out in the order of the input whoever makes them,
//! and nobody sorts. What is under way is bounded by `Room`: a reader that is
//! too far ahead waits. So are results, by `Outputs`: what is more than a share of
//! the limit comes in parts, once the writer waits for it.
//!
//! - A record never waits for the next: a batch ends where the next read might
//!   wait, and what is written is flushed before the writer waits.
//! - There are as many workers as there was work for at once, and one at least:
//!   records that come one by one all meet the same instances.
//! - No thread is joined before the end of the input: one that waits for a
//!   terminal, or for a plugin, does not hold up the end of a run that nobody
//!   reads any more, or that is interrupted.
//! - An interrupt is one more slot: what was under way before it is finished and
//!   written, and nothing after it.

mod batch;
mod columns;
mod crew;
mod cutting;
mod feed;
mod field;
mod form;
mod input;
mod interrupt;
mod journal;
mod object;
mod out;
mod outputs;
mod pace;
mod packing;
mod parquet;
mod part_file;
mod reader;
mod rendering;
mod results;
mod room;
mod rows;
mod source;
mod table;
mod target;
mod worker;
mod writer;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::channel;

use kumiki_text::{Pipeline, Usage};

pub(crate) use self::parquet::{ParquetFile, ParquetTarget};
pub(crate) use input::{Input, find_inputs};
pub(crate) use journal::{Identity, Journal, Mark, State, place};
pub(crate) use part_file::{OutputPlace, PartFile, part};
pub(crate) use results::Results;
pub(crate) use target::Target;
pub(crate) use writer::{Counts, Look};

use crate::console::Console;
use crew::Crew;
use form::Form;
use out::Out;
use outputs::Outputs;
use pace::Pace;
use reader::{Reader, Slot, Slots};
use room::Room;
use writer::Writer;

/// What is to be done, and how.
pub(crate) struct Job {
    pub(crate) inputs: Vec<Input>,
    /// The most workers, one at least.
    pub(crate) workers: usize,
    /// The most bytes of results at a time.
    pub(crate) output_limit: usize,
    /// The longest line that is a record, in bytes.
    pub(crate) line_limit: usize,
    /// Whether lines of nothing but white space are passed over.
    pub(crate) skip_blank: bool,
    /// What the inputs hold.
    pub(crate) form: Form,
    /// Which column or key of a record's row its result goes into; without one
    /// results are written as `look` says.
    pub(crate) into: Option<Target>,
    /// The table of Parquet that results go into, and its file.
    pub(crate) table: Option<(Arc<ParquetTarget>, ParquetFile)>,
    /// What is written before the first result.
    pub(crate) head: Vec<u8>,
    /// The file that is written; standard output without one.
    pub(crate) file: Option<PartFile>,
    /// Where an earlier run stopped, which this one goes on with.
    pub(crate) from: Option<Mark>,
    /// How many results were missing up to there.
    pub(crate) failed: u64,
    pub(crate) look: Look,
}

/// What came of it.
pub(crate) struct Ran {
    pub(crate) counts: Counts,
    /// What each plugin used, summed over the workers, where it was measured.
    pub(crate) usages: Vec<Option<Usage>>,
}

/// Sends everything through `pipeline` and writes what comes of it.
///
/// # Errors
/// When it cannot be written, or a thread has panicked.
pub(crate) fn run(job: Job, pipeline: Pipeline, console: &Console) -> io::Result<Ran> {
    let (slots, in_order) = channel();
    let signals = slots.clone();
    interrupt::on_interrupt(move |signal| {
        // Where nobody hears it, the run is over.
        let _ = signals.send(Slot::Interrupted(signal));
    })?;
    let room = Arc::new(Room::new(job.workers));
    let pace = Arc::new(if job.look.terminal {
        Pace::one_by_one()
    } else {
        Pace::new(room.batch())
    });
    let outputs = Arc::new(Outputs::new(job.output_limit, job.workers));
    let shared = (pace.clone(), outputs.clone());
    let crew = Crew::new(pipeline, job.workers, job.look, shared);
    let (table, out) = match (job.table, job.file) {
        (Some((target, file)), _) => (Some(target), Out::Table(Box::new(file))),
        (None, Some(file)) => (None, Out::File(Box::new(file))),
        (None, None) => (None, Out::stream(job.look.out())),
    };
    let reader = Reader {
        line_limit: job.line_limit,
        skip_blank: job.skip_blank,
        form: job.form,
        into: job.into.map(Arc::new),
        table,
        leaves: job.workers > 1,
        pace,
        room: room.clone(),
        crew,
        slots: Slots(slots),
        batches: 0,
    };
    let from = job.from.unwrap_or_default();
    let reader = reader.start(job.inputs, from)?;
    let mut writer = Writer::new(out, console.clone(), from, job.failed);
    writer.begin(&job.head)?;
    let counts = writer.all(&in_order, &room, &outputs)?;
    let usages = writer.usages();
    if counts.interrupted.is_some() {
        // The reader may wait for a terminal, and the workers for the reader.
        writer.keep()?;
        return Ok(Ran { counts, usages });
    }
    reader.join().map_err(|_| panicked("the reader"))??;
    writer.finish()?;
    Ok(Ran { counts, usages })
}

/// A thread is gone, and with it a part of the results. It has said why.
fn panicked(who: &str) -> io::Error {
    io::Error::other(format!("{who} panicked, which is a fault of Kumiki"))
}
