//! The results of a batch, on their way to the writer.

use std::io;
use std::sync::mpsc::{Receiver, Sender};

use crate::diagnostic::{Diagnostic, Location};
use crate::formats::parquet::table::TablePart;
use crate::journal::Position;
use crate::summary::Usages;

/// What the writer waits for next.
pub(super) enum Pending {
    /// The results of a batch.
    Batch(Receiver<io::Result<BatchOutput>>),
    /// The run is interrupted: nothing after this is written.
    Interrupted,
    /// The input has ended, or the reader has.
    End,
}

/// Sends the reader's batches to the writer, and [`Pending::End`] when it is dropped.
pub(super) struct PendingSender(pub(super) Sender<Pending>);

impl Drop for PendingSender {
    fn drop(&mut self) {
        let _ = self.0.send(Pending::End);
    }
}

/// The results of a batch or of a part of it.
#[derive(Default)]
pub(super) struct BatchOutput {
    pub(super) content: OutputContent,
    /// Missing results that the content has no place for, in order.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Number of records.
    pub(super) records: u64,
    /// Number of missing results.
    pub(super) failed: u64,
    /// Bytes of results.
    pub(super) size: usize,
    /// Bytes of all inputs that were read up to the end of the batch.
    pub(super) bytes_read: u64,
    /// The end of the batch. `None` when more of it follows.
    pub(super) end: Option<BatchEnd>,
}

/// Results, as they are written.
pub(super) enum OutputContent {
    /// Bytes of a report or of rows.
    Bytes(Vec<u8>),
    /// Rows of a table.
    Table(Vec<TablePart>),
}

impl Default for OutputContent {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

/// The end of a batch.
pub(super) struct BatchEnd {
    /// The place of its last record.
    pub(super) last: Option<Location>,
    /// The position of its end in the input.
    pub(super) position: Position,
    /// The number of the worker, and what its plugins have used so far, if that is
    /// measured.
    pub(super) usages: Option<(usize, Usages)>,
    /// Bytes that are reserved for the batch in the in-flight budget.
    pub(super) reserved: usize,
}

impl BatchOutput {
    /// Adds a missing result.
    pub(super) fn fail(&mut self, diagnostic: Diagnostic) {
        self.failed += 1;
        self.diagnostics.push(diagnostic);
    }
}

/// The error of a run in which a thread panicked. The panic message was already printed.
pub(crate) fn panicked(thread: &str) -> io::Error {
    io::Error::other(format!("{thread} panicked, which is a fault of Kumiki"))
}
