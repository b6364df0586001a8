//! The reader: cuts the inputs into batches.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use arrow_array::RecordBatch;
use kumiki_text::{ReadError, Records};

use super::batch::{Batch, Content, Item, Unread};
use super::columns::Columns;
use super::crew::{Crew, Task};
use super::cutting::Cutting;
use super::feed::{Cells, Feed, LineFeed};
use super::form::Form;
use super::input::Input;
use super::journal::Mark;
use super::pace::Pace;
use super::parquet::{ColumnTexts, Next, ParquetReader, ParquetTarget, Rows};
use super::room::Room;
use super::source::{Count, open, stdin};
use super::table::Table;
use super::target::Target;
use super::worker::Done;

/// What the writer waits for next.
pub(super) enum Slot {
    /// What comes of a batch.
    Batch(Receiver<io::Result<Done>>),
    /// This signal came: it does not wait for more.
    Interrupted(u8),
    /// The input is at its end, or the reader is.
    End,
}

/// Where the reader tells what comes next; and, whatever ends it, that it has
/// ended.
pub(super) struct Slots(pub(super) Sender<Slot>);

impl Drop for Slots {
    fn drop(&mut self) {
        let _ = self.0.send(Slot::End);
    }
}

pub(super) struct Reader {
    pub(super) line_limit: usize,
    pub(super) skip_blank: bool,
    pub(super) form: Form,
    /// As [`super::Job::into`].
    pub(super) into: Option<Arc<Target>>,
    /// The table of Parquet that results go into.
    pub(super) table: Option<Arc<ParquetTarget>>,
    /// Whether workers cut lines for themselves: a single one would have both to
    /// do, and the reader nothing.
    pub(super) leaves: bool,
    pub(super) pace: Arc<Pace>,
    pub(super) room: Arc<Room>,
    pub(super) crew: Crew,
    pub(super) slots: Slots,
    /// How many batches were sent.
    pub(super) batches: u64,
}

/// How far it has come.
#[derive(Default)]
struct Progress {
    mark: Mark,
    /// How many lines or rows of the next input are passed over, for an earlier
    /// run has read them.
    skip: u64,
    /// Bytes of the inputs already read to their end.
    finished: u64,
}

impl Reader {
    /// Reads on a thread of its own, which also gives the workers their work.
    /// Once the writer has gone, that goes on for nobody until the room is full.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub(super) fn start(
        mut self,
        inputs: Vec<Input>,
        from: Mark,
    ) -> io::Result<JoinHandle<io::Result<()>>> {
        let thread = thread::Builder::new().name("reader".into());
        thread.spawn(move || {
            let mut progress = Progress {
                mark: from,
                skip: from.read,
                finished: 0,
            };
            for (at, input) in inputs.into_iter().enumerate() {
                if at < from.input {
                    progress.finished += input.size().unwrap_or(0);
                    continue;
                }
                progress.mark.input = at;
                self.input(&mut progress, input)?;
                progress.mark.read = 0;
            }
            Ok(())
        })
    }

    fn input(&mut self, progress: &mut Progress, input: Input) -> io::Result<()> {
        let name = input.name();
        let (mut feed, count) = match self.open(input) {
            Ok(Opened::Feed(feed, count)) => (feed, count),
            Ok(Opened::Parquet(reader)) => return self.parquet(progress, &name, *reader),
            Ok(Opened::Text(text)) => {
                let mut batch = Batch::new(None, progress.mark.records, None);
                batch.push(1, &text);
                progress.mark.records = batch.records;
                return self.send(batch);
            }
            Err(error) => {
                let records = progress.mark.records;
                let mut batch = Batch::new(Some(name.into()), records, None);
                batch.position = progress.finished;
                batch.mark = Mark {
                    input: progress.mark.input + 1,
                    read: 0,
                    records,
                };
                batch.items.push(Item {
                    line: 0,
                    content: Content::Unopened(error),
                });
                return self.send(batch);
            }
        };
        self.records(progress, &name, &mut *feed, &count)
    }

    fn open(&self, input: Input) -> io::Result<Opened> {
        let (source, count) = match input {
            Input::Text(text) => return Ok(Opened::Text(text)),
            Input::Table(table) => return self.cells(*table),
            Input::Stdin => stdin(),
            Input::File(path) => match &self.form {
                Form::Table { dialect, .. } => {
                    let table = Table::open(&path, *dialect).map_err(io::Error::from)?;
                    return self.cells(table);
                }
                Form::Parquet { field } => {
                    let mut reader =
                        ParquetReader::open(&path, self.line_limit).map_err(io::Error::other)?;
                    let selected = reader.select(field, self.table.is_some());
                    selected.map_err(|_| io::Error::other("its columns are no longer those"))?;
                    return Ok(Opened::Parquet(Box::new(reader)));
                }
                Form::Lines | Form::Objects { .. } => open(&path)?,
            },
        };
        let skip_blank = self.skip_blank;
        let cutting = match &self.form {
            Form::Objects { field } => Cutting::Objects {
                field: field.clone(),
                skip_blank,
                into: self.into.as_ref().map(|target| target.name.clone()),
            },
            Form::Lines | Form::Table { .. } | Form::Parquet { .. } => {
                Cutting::Lines { skip_blank }
            }
        };
        let feed = Box::new(LineFeed {
            records: Records::new(source, self.line_limit),
            leaves: self.leaves && cutting.can_wait(),
            cutting: Arc::new(cutting),
        });
        Ok(Opened::Feed(feed, count))
    }

    /// The records of a table.
    fn cells(&self, table: Table) -> io::Result<Opened> {
        let column = self.form.column(&table.header).map_err(io::Error::other)?;
        let Table {
            rows,
            count,
            header,
        } = table;
        let into = self.into.clone();
        let feed = Box::new(Cells {
            rows,
            column,
            skip_blank: self.skip_blank,
            columns: into.map(|target| Columns::new(header, target)),
        });
        Ok(Opened::Feed(feed, count))
    }

    fn records(
        &mut self,
        progress: &mut Progress,
        name: &str,
        feed: &mut dyn Feed,
        count: &Count,
    ) -> io::Result<()> {
        let source: Option<Arc<str>> = Some(name.into());
        skip(feed, std::mem::take(&mut progress.skip));
        let leaves = feed.leaves();
        let mut batch = Batch::new(source.clone(), progress.mark.records, self.into.clone());
        loop {
            let enough = batch.is_closed() || self.pace.is_enough(batch.items.len(), batch.bytes());
            // The next read may wait for a person or a slow pipe.
            if !batch.is_empty() && (enough || feed.is_drained()) {
                batch.position = progress.finished + count.get();
                batch.mark = progress.mark;
                let next = Batch::new(source.clone(), batch.records, self.into.clone());
                self.send(std::mem::replace(&mut batch, next))?;
            }
            let left = match leaves {
                true => {
                    let (lines, bytes) = self.pace.left(batch.items.len(), batch.bytes());
                    feed.leave(&mut batch, lines, bytes)
                }
                false => 0,
            };
            progress.mark.read += match left {
                0 if feed.next(&mut batch) => 1,
                0 => break,
                left => left,
            };
            progress.mark.records = batch.records;
        }
        progress.finished += count.get();
        batch.mark = progress.mark;
        if batch.is_empty() {
            return Ok(());
        }
        batch.position = progress.finished;
        self.send(batch)
    }

    /// A file of Parquet, cut where the workers want it cut.
    fn parquet(
        &mut self,
        progress: &mut Progress,
        name: &str,
        mut reader: ParquetReader,
    ) -> io::Result<()> {
        let source: Arc<str> = name.into();
        let mut skip = usize::try_from(std::mem::take(&mut progress.skip)).unwrap_or(usize::MAX);
        loop {
            let next = reader.next();
            let position = progress.finished + reader.position();
            match next {
                Ok(Next::End) => break,
                Ok(Next::GroupEnd) => {
                    if let Some(target) = &self.table {
                        let rows = RecordBatch::new_empty(target.schema());
                        let mut batch =
                            Batch::new(Some(source.clone()), progress.mark.records, None);
                        batch.rows = Some(Rows::end_of_group(rows, target.clone()));
                        (batch.mark, batch.position) = (progress.mark, position);
                        self.send(batch)?;
                    }
                }
                Ok(Next::Rows(rows)) => {
                    // What a row takes of the memory, for the room.
                    let each = rows.get_array_memory_size() / rows.num_rows().max(1);
                    let mut from = skip.min(rows.num_rows());
                    skip -= from;
                    while from < rows.num_rows() {
                        let count = self.pace.records().clamp(1, rows.num_rows() - from);
                        let part = rows.slice(from, count);
                        let mut batch = self.rows(progress, &source, &reader, part, each)?;
                        batch.position = position;
                        self.send(batch)?;
                        from += count;
                    }
                }
                Err(reason) => {
                    let mut batch = Batch::new(Some(source), progress.mark.records, None);
                    let row = progress.mark.read + 1;
                    batch.push_unread(Unread::Broken { row, reason });
                    progress.mark.records = batch.records;
                    (batch.mark, batch.position) = (progress.mark, position);
                    self.send(batch)?;
                    break;
                }
            }
        }
        progress.finished += reader.position();
        Ok(())
    }

    /// The records of some rows.
    fn rows(
        &self,
        progress: &mut Progress,
        source: &Arc<str>,
        reader: &ParquetReader,
        rows: RecordBatch,
        each: usize,
    ) -> io::Result<Batch> {
        let cells = ColumnTexts::of(rows.column(reader.column()));
        let cells = cells.ok_or_else(|| io::Error::other("a column of texts has none"))?;
        let (mut cells, long) = cells.without_long(self.line_limit);
        if self.skip_blank {
            cells = cells.without_blank();
        }
        let mut batch = Batch::new(Some(source.clone()), progress.mark.records, None);
        for row in 0..rows.num_rows() {
            progress.mark.read += 1;
            if long.binary_search(&row).is_ok() {
                batch.push_unread(Unread::Line(ReadError::TooLong {
                    line: progress.mark.read,
                    limit: self.line_limit,
                }));
            } else if cells.has(row) {
                batch.push_placed(progress.mark.read);
            } else if self.table.is_some() {
                batch.push_passed(progress.mark.read);
            }
        }
        batch.texts = cells.texts;
        progress.mark.records = batch.records;
        batch.mark = progress.mark;
        let bytes = each * rows.num_rows();
        batch.rows = self
            .table
            .clone()
            .map(|target| Rows::new(rows, bytes, target));
        Ok(batch)
    }

    fn send(&mut self, mut batch: Batch) -> io::Result<()> {
        batch.room = batch.bytes();
        self.room.take(batch.room);
        let (done, slot) = channel();
        let number = self.batches;
        self.batches += 1;
        self.crew.give(Task {
            batch,
            number,
            done,
        })?;
        // Where nobody waits for it, writing has failed.
        let _ = self.slots.0.send(Slot::Batch(slot));
        Ok(())
    }
}

/// Passes over so many lines or rows.
fn skip(feed: &mut dyn Feed, count: u64) {
    let mut ignored = Batch::default();
    for at in 1..=count {
        if !feed.next(&mut ignored) {
            return;
        }
        if at % 1024 == 0 {
            ignored = Batch::default();
        }
    }
}

/// An input, ready to be read.
enum Opened {
    Text(String),
    Feed(Box<dyn Feed>, Count),
    Parquet(Box<ParquetReader>),
}
