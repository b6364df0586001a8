//! The writer: waits for what comes of each batch, in the order of the input,
//! and writes it.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use anstream::{AutoStream, ColorChoice};
use kumiki_text::{ReadError, Usage};

use super::batch::Unread;
use super::journal::Mark;
use super::out::Out;
use super::outputs::Outputs;
use super::panicked;
use super::reader::Slot;
use super::room::Room;
use super::worker::{Done, Trouble};
use crate::arguments::Format;
use crate::console::Console;
use crate::output::{self, ResultWriter};

/// How results look.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    format: Format,
    /// Whether a person watches the results.
    pub(crate) terminal: bool,
    coloured: bool,
}

impl Look {
    /// As it suits standard output, or a file.
    pub(crate) fn new(format: Format, to_file: bool) -> Self {
        if to_file {
            return Self {
                format,
                terminal: false,
                coloured: false,
            };
        }
        Self {
            format,
            terminal: io::stdout().is_terminal(),
            // Colours, where wanted and possible, are the text format's alone,
            // and a terminal's own matter. A pipe gets what is written as it is.
            coloured: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        }
    }

    pub(super) fn writer(self) -> Box<dyn ResultWriter + Send> {
        output::writer(self.format, self.terminal, self.coloured)
    }

    /// Standard output.
    pub(super) fn out(self) -> Box<dyn Write> {
        match self.format {
            Format::Text if self.terminal => Box::new(AutoStream::auto(io::stdout())),
            Format::Text | Format::Jsonl | Format::Raw => Box::new(io::stdout()),
        }
    }
}

/// How much came of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) records: u64,
    /// Results that are missing because a plugin, a line or a file failed.
    pub(crate) failed: u64,
    /// The file and line of the last record.
    pub(crate) last: Option<(Arc<str>, u64)>,
    /// The signal that ended it before the end of the input.
    pub(crate) interrupted: Option<u8>,
}

pub(super) struct Writer {
    out: Out,
    console: Console,
    counts: Counts,
    /// How far in the input all is written.
    mark: Mark,
    /// Results that were missing before this run went on.
    failed: u64,
    /// What the plugins of each worker used for what is written.
    usages: BTreeMap<usize, Usages>,
}

/// What each plugin used, where it was measured.
pub(super) type Usages = Vec<Option<Usage>>;

impl Writer {
    /// Goes on behind `mark`, up to which so many results are missing.
    pub(super) fn new(out: Out, console: Console, mark: Mark, failed: u64) -> Self {
        Self {
            out,
            console,
            counts: Counts::default(),
            mark,
            failed,
            usages: BTreeMap::new(),
        }
    }

    /// Writes what stands before the first result.
    pub(super) fn begin(&mut self, head: &[u8]) -> io::Result<()> {
        self.out.begin(head)
    }

    /// Makes what is written so far last.
    pub(super) fn keep(&mut self) -> io::Result<()> {
        self.out.keep(self.mark, self.failed + self.counts.failed)
    }

    /// What each plugin used, summed over the workers.
    pub(super) fn usages(&mut self) -> Usages {
        let mut usages = Usages::new();
        for one in std::mem::take(&mut self.usages).into_values() {
            usages.resize(one.len(), None);
            for (all, one) in usages.iter_mut().zip(one) {
                match (all, one) {
                    (Some(all), Some(one)) => all.merge(&one),
                    (all, one) => *all = all.take().or(one),
                }
            }
        }
        usages
    }

    /// Ends a run of which all is written.
    pub(super) fn finish(self) -> io::Result<()> {
        self.out.finish()
    }

    /// Writes everything up to the end of the input, or to an interrupt.
    pub(super) fn all(
        &mut self,
        slots: &Receiver<Slot>,
        room: &Room,
        outputs: &Outputs,
    ) -> io::Result<Counts> {
        while let Some(slot) = self.wait(|| slots.try_recv(), || slots.recv().ok())? {
            let slot = match slot {
                Slot::Batch(slot) => slot,
                Slot::Interrupted(signal) => {
                    self.counts.interrupted = Some(signal);
                    break;
                }
                Slot::End => break,
            };
            loop {
                // Of a worker that has panicked there is nothing.
                let done = self.wait(|| slot.try_recv(), || slot.recv().ok())?;
                let done = done.ok_or_else(|| panicked("a worker"))??;
                let (size, end) = (done.size, done.end.as_ref().map(|end| end.room));
                self.write(done)?;
                outputs.written(size, end.is_some());
                if let Some(bytes) = end {
                    room.free(bytes);
                    break;
                }
            }
        }
        self.out.flush()?;
        Ok(self.counts.clone())
    }

    /// What comes next; none when nothing more will. Whoever reads the results
    /// does not wait for it with us: they get what there is so far.
    fn wait<T>(
        &mut self,
        now: impl Fn() -> Result<T, TryRecvError>,
        later: impl Fn() -> Option<T>,
    ) -> io::Result<Option<T>> {
        match now() {
            Ok(next) => Ok(Some(next)),
            Err(TryRecvError::Disconnected) => Ok(None),
            Err(TryRecvError::Empty) => {
                self.out.flush()?;
                Ok(later())
            }
        }
    }

    fn write(&mut self, done: Done) -> io::Result<()> {
        self.out.write(&done.text)?;
        for (rows, ends_group) in &done.rows {
            self.out.rows(rows, *ends_group)?;
        }
        if !done.troubles.is_empty() {
            // So that on a terminal an error stands below what came before it.
            self.out.flush()?;
        }
        for trouble in &done.troubles {
            self.tell(trouble);
        }
        self.counts.records += done.records;
        self.counts.failed += done.failed;
        self.console.advance(done.position, self.counts.records);
        let Some(end) = done.end else {
            // A run goes on behind whole batches only.
            return Ok(());
        };
        self.mark = end.mark;
        if let Some((worker, usages)) = end.usages {
            self.usages.insert(worker, usages);
        }
        self.counts.last = end.last.or(self.counts.last.take());
        if self.out.is_due() {
            self.keep()?;
        }
        Ok(())
    }

    fn tell(&self, trouble: &Trouble) {
        match trouble {
            Trouble::Plugin(place, error) => self.console.plugin_error(place, error),
            Trouble::Unread(name, error) => {
                let (causes, hint) = match &**error {
                    Unread::Line(error) => (crate::failure::causes(error), hint(error)),
                    Unread::Row { .. } | Unread::Broken { .. } => (Vec::new(), None),
                };
                self.console
                    .error(format_args!("{name}: {error}"), &causes, hint);
            }
            Trouble::Unopened(name, error) => self.console.error(
                format_args!("cannot read file `{name}`"),
                &[error.to_string()],
                None,
            ),
        }
    }
}

fn hint(error: &ReadError) -> Option<&'static str> {
    match error {
        ReadError::NotUtf8 { .. } => {
            Some("turn the file into UTF-8: `iconv -f latin1 -t utf-8 FILE`")
        }
        ReadError::TooLong { .. } => Some("raise the limit: `--line-limit 1GiB`"),
        _ => None,
    }
}
