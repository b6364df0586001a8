//! The reader: cuts the inputs into batches.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use kumiki_text::{Record, Records};

use super::batch::{Batch, Content, Item, Unread};
use super::crew::{Crew, Task};
use super::field;
use super::input::Input;
use super::pace::Pace;
use super::room::Room;
use super::source::{Count, counted, open};
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
    /// As [`super::Job::field`].
    pub(super) field: Option<String>,
    pub(super) pace: Arc<Pace>,
    pub(super) room: Arc<Room>,
    pub(super) crew: Crew,
    pub(super) slots: Slots,
}

/// How far it has come.
#[derive(Default)]
struct Progress {
    records: u64,
    /// Bytes of the inputs already read to their end.
    finished: u64,
}

impl Reader {
    /// Reads on a thread of its own, which also gives the workers their work.
    /// Once the writer has gone, that goes on for nobody until the room is full.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub(super) fn start(mut self, inputs: Vec<Input>) -> io::Result<JoinHandle<io::Result<()>>> {
        let thread = thread::Builder::new().name("reader".into());
        thread.spawn(move || {
            let mut progress = Progress::default();
            for input in inputs {
                match input {
                    Input::Text(text) => self.text(&mut progress, &text)?,
                    Input::Stdin => {
                        let (input, count) = counted(io::stdin().lock());
                        self.lines(&mut progress, "-", input, &count)?;
                    }
                    Input::File(path) => self.file(&mut progress, &path)?,
                }
            }
            Ok(())
        })
    }

    fn text(&mut self, progress: &mut Progress, text: &str) -> io::Result<()> {
        progress.records += 1;
        let mut batch = Batch::new(None);
        batch.push(progress.records, 1, text);
        self.send(batch)
    }

    fn file(&mut self, progress: &mut Progress, path: &Path) -> io::Result<()> {
        let name = path.display().to_string();
        match open(path) {
            Ok((file, count)) => self.lines(progress, &name, file, &count),
            Err(error) => {
                let mut batch = Batch::new(Some(name.into()));
                batch.position = progress.finished;
                batch.items.push(Item {
                    record: progress.records,
                    line: 0,
                    content: Content::Unopened(error),
                });
                self.send(batch)
            }
        }
    }

    fn lines(
        &mut self,
        progress: &mut Progress,
        name: &str,
        input: impl Read,
        count: &Count,
    ) -> io::Result<()> {
        let source: Option<Arc<str>> = Some(name.into());
        let mut records = Records::new(input, self.line_limit);
        let mut batch = Batch::new(source.clone());
        loop {
            let enough = self.pace.is_enough(batch.items.len(), batch.bytes());
            // The next read may wait for a person or a slow pipe.
            if !batch.items.is_empty() && (enough || records.is_drained()) {
                batch.position = progress.finished + count.get();
                self.send(std::mem::replace(&mut batch, Batch::new(source.clone())))?;
            }
            match records.next_record() {
                None => break,
                Some(Ok(record)) => {
                    self.line(progress, &mut batch, record);
                }
                Some(Err(error)) => {
                    progress.records += 1;
                    batch.push_unread(progress.records, Unread::Line(error));
                }
            }
        }
        progress.finished += count.get();
        if batch.items.is_empty() {
            return Ok(());
        }
        batch.position = progress.finished;
        self.send(batch)
    }

    /// Adds what a line holds.
    fn line(&self, progress: &mut Progress, batch: &mut Batch, record: Record<'_>) {
        let Record { line, text, .. } = record;
        // Between JSON objects a blank line is nothing.
        let may_be_blank = !self.skip_blank && self.field.is_none();
        if !may_be_blank && text.trim().is_empty() {
            return;
        }
        progress.records += 1;
        let Some(key) = &self.field else {
            return batch.push(progress.records, line, text);
        };
        match field::text(text, key) {
            Ok(text) if self.skip_blank && text.trim().is_empty() => progress.records -= 1,
            Ok(text) => batch.push(progress.records, line, &text),
            Err(reason) => batch.push_unread(progress.records, Unread::Row { line, reason }),
        }
    }

    fn send(&mut self, batch: Batch) -> io::Result<()> {
        self.room.take(batch.bytes());
        let (done, slot) = channel();
        self.crew.give(Task { batch, done })?;
        // Where nobody waits for it, writing has failed.
        let _ = self.slots.0.send(Slot::Batch(slot));
        Ok(())
    }
}
