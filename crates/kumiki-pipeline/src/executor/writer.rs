//! The writer: waits for the results of each batch, in the order of the input, and
//! writes them.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};

use super::in_flight::InFlightBudget;
use super::output::{BatchOutput, OutputContent, Pending, panicked};
use super::output_budget::OutputBudget;
use crate::diagnostic::Location;
use crate::event::{RunEvent, RunObserver};
use crate::journal::Position;
use crate::sink::Sink;
use crate::summary::{Usages, merge};

/// Totals over the written results.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) records: u64,
    /// Number of missing results.
    pub(super) failed: u64,
    /// The place of the last record.
    pub(super) last: Option<Location>,
    /// Whether the run ended before the end of the input.
    pub(super) interrupted: bool,
}

pub(super) struct Writer<'a> {
    sink: Sink,
    observer: &'a dyn RunObserver,
    pub(super) totals: Totals,
    /// The position in the input up to which results are written.
    position: Position,
    /// Number of results that were missing before this run.
    failed_before: u64,
    /// What the plugins of each worker used for the written results.
    usages: BTreeMap<usize, Usages>,
}

impl<'a> Writer<'a> {
    /// Continues at `position`, up to which `failed_before` results are missing.
    pub(super) fn new(
        sink: Sink,
        observer: &'a dyn RunObserver,
        position: Position,
        failed_before: u64,
    ) -> Self {
        Self {
            sink,
            observer,
            totals: Totals::default(),
            position,
            failed_before,
            usages: BTreeMap::new(),
        }
    }

    /// Writes the bytes before the first result.
    pub(super) fn begin(&mut self, head: &[u8]) -> io::Result<()> {
        self.sink.begin(head)
    }

    /// Brings everything that is written to the disk.
    pub(super) fn checkpoint(&mut self) -> io::Result<()> {
        let failed = self.failed_before + self.totals.failed;
        self.sink.checkpoint(self.position, failed)
    }

    /// What each plugin used, summed over the workers.
    pub(super) fn take_usages(&mut self) -> Usages {
        let mut usages = Usages::new();
        for one in std::mem::take(&mut self.usages).into_values() {
            merge(&mut usages, one);
        }
        usages
    }

    /// Ends the output of a complete run.
    pub(super) fn finish(self) -> io::Result<()> {
        self.sink.finish()
    }

    /// Writes results up to the end of the input, or to an interrupt.
    pub(super) fn write_all(
        &mut self,
        pending: &Receiver<Pending>,
        in_flight: &InFlightBudget,
        outputs: &OutputBudget,
    ) -> io::Result<()> {
        while let Some(next) = self.wait(pending)? {
            let results = match next {
                Pending::Batch(results) => results,
                Pending::Interrupted => {
                    self.totals.interrupted = true;
                    break;
                }
                Pending::End => break,
            };
            loop {
                // A worker that has panicked sends nothing.
                let output = self.wait(&results)?;
                let output = output.ok_or_else(|| panicked("a worker"))??;
                let (size, end) = (output.size, output.end.as_ref().map(|end| end.reserved));
                self.write(output)?;
                outputs.release(size, end.is_some());
                if let Some(bytes) = end {
                    in_flight.release(bytes);
                    break;
                }
            }
        }
        self.sink.flush()
    }

    /// Receives the next value; `None` when there will be no more. Everything that
    /// is written is flushed before the writer waits.
    fn wait<T>(&mut self, receiver: &Receiver<T>) -> io::Result<Option<T>> {
        match receiver.try_recv() {
            Ok(next) => Ok(Some(next)),
            Err(TryRecvError::Disconnected) => Ok(None),
            Err(TryRecvError::Empty) => {
                self.sink.flush()?;
                Ok(receiver.recv().ok())
            }
        }
    }

    fn write(&mut self, output: BatchOutput) -> io::Result<()> {
        match &output.content {
            OutputContent::Bytes(bytes) => self.sink.write(bytes)?,
            OutputContent::Table(parts) => {
                for part in parts {
                    self.sink.write_rows(part)?;
                }
            }
        }
        if !output.diagnostics.is_empty() {
            // On a terminal a diagnostic appears below the results before it.
            self.sink.flush()?;
        }
        for diagnostic in &output.diagnostics {
            self.observer.event(&RunEvent::Diagnostic(diagnostic));
        }
        self.totals.records += output.records;
        self.totals.failed += output.failed;
        self.observer.event(&RunEvent::Progress {
            bytes: output.bytes_read,
            records: self.totals.records,
        });
        let Some(end) = output.end else {
            // A run is resumed only after complete batches.
            return Ok(());
        };
        self.position = end.position;
        if let Some((worker, usages)) = end.usages {
            self.usages.insert(worker, usages);
        }
        self.totals.last = end.last.or(self.totals.last.take());
        if self.sink.is_checkpoint_due() {
            self.checkpoint()?;
        }
        Ok(())
    }
}
