//! Consecutive records of one input, on their way to a worker.

use std::sync::Arc;

use crate::diagnostic::Location;
use crate::formats::lines::unparsed::UnparsedLines;
use crate::formats::parquet::table::TableRows;
use crate::formats::record_buffer::{KeptInput, RecordBuffer};
use crate::formats::rows::SourceRows;
use crate::journal::Position;
use crate::output::Output;

/// Consecutive records of one input.
#[derive(Default)]
pub(super) struct Batch {
    /// The name of the input; `None` for a string.
    pub(super) source: Option<Arc<str>>,
    pub(super) buffer: RecordBuffer,
    /// Lines after the records of the buffer, to be parsed by the worker.
    unparsed: Option<UnparsedLines>,
    /// Number of records before the batch, over all inputs.
    records_before: u64,
    /// The position of its end in the input.
    pub(super) position: Position,
    /// Bytes of all inputs that were read up to its end.
    pub(super) bytes_read: u64,
    /// Bytes that are reserved for it in the in-flight budget.
    pub(super) reserved: usize,
}

impl Batch {
    /// An empty batch. Rows are kept if `output` has them.
    pub(super) fn new(source: Option<Arc<str>>, records_before: u64, output: &Output) -> Self {
        let mut batch = Self {
            source,
            records_before,
            ..Self::default()
        };
        batch.buffer.kept = match output {
            Output::Rows(_) => KeptInput::Rows(SourceRows::default()),
            Output::Report(_) | Output::Table(_) => KeptInput::Nothing,
        };
        batch
    }

    /// Keeps rows of a table.
    pub(super) fn keep_table(&mut self, rows: TableRows) {
        self.buffer.kept = KeptInput::Table(rows);
    }

    /// Ends the batch with lines that the worker parses.
    pub(super) fn push_unparsed(&mut self, lines: UnparsedLines) {
        self.unparsed = Some(lines);
    }

    /// Parses the lines that the reader has left.
    pub(super) fn parse(&mut self) {
        if let Some(lines) = self.unparsed.take() {
            lines.parse(&mut self.buffer);
        }
    }

    /// Whether nothing may be added.
    pub(super) fn is_closed(&self) -> bool {
        self.unparsed.is_some()
    }

    /// Whether there is nothing to write, not even an error.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.entries.is_empty() && self.unparsed.is_none()
    }

    /// Number of entries that are parsed.
    pub(super) fn len(&self) -> usize {
        self.buffer.entries.len()
    }

    /// Number of bytes of its lines, texts and rows.
    pub(super) fn bytes(&self) -> usize {
        let unparsed = self.unparsed.as_ref().map_or(0, UnparsedLines::bytes);
        self.buffer.bytes() + unparsed
    }

    /// Number of records up to its end, over all inputs.
    pub(super) fn records(&self) -> u64 {
        let unparsed = self.unparsed.as_ref().map_or(0, |lines| lines.records);
        self.records_before + self.len() as u64 + unparsed
    }

    /// The number of its first record over all inputs, from 1.
    pub(super) fn first_record(&self) -> u64 {
        self.records_before + 1
    }

    /// The place of its last record.
    pub(super) fn last(&self) -> Option<Location> {
        Some(Location {
            source: self.source.clone()?,
            line: self.buffer.entries.last()?.line,
        })
    }
}
