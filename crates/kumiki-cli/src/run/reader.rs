//! The reader: cuts the inputs into batches.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use kumiki_text::Records;

use super::batch::{Batch, Content, Item};
use super::crew::{Crew, Task};
use super::input::Input;
use super::pace::Pace;
use super::room::Room;
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
                    Input::Stdin => self.lines(&mut progress, "-", io::stdin().lock())?,
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
        match File::open(path) {
            Ok(file) => self.lines(progress, &name, file),
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

    fn lines(&mut self, progress: &mut Progress, name: &str, input: impl Read) -> io::Result<()> {
        let source: Option<Arc<str>> = Some(name.into());
        let mut records = Records::new(input, self.line_limit);
        let mut batch = Batch::new(source.clone());
        loop {
            let enough = self.pace.is_enough(batch.items.len(), batch.bytes());
            // The next read may wait for a person or a slow pipe.
            if !batch.items.is_empty() && (enough || records.is_drained()) {
                batch.position = progress.finished + records.bytes_read();
                self.send(std::mem::replace(&mut batch, Batch::new(source.clone())))?;
            }
            match records.next_record() {
                None => break,
                Some(Ok(record)) => {
                    if self.skip_blank && record.text.trim().is_empty() {
                        continue;
                    }
                    progress.records += 1;
                    batch.push(progress.records, record.line, record.text);
                }
                Some(Err(error)) => {
                    progress.records += 1;
                    batch.items.push(Item {
                        record: progress.records,
                        line: error.line(),
                        content: Content::Unread(error),
                    });
                }
            }
        }
        progress.finished += records.bytes_read();
        if batch.items.is_empty() {
            return Ok(());
        }
        batch.position = progress.finished;
        self.send(batch)
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
