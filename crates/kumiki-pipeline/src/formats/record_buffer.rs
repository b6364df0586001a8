//! The records of a part of an input, as readers add them.

use std::io;

use kumiki_text::Texts;

use super::parquet::table::TableRows;
use super::rows::{SourceRows, Splice};
use crate::diagnostic::InvalidRecord;

/// Records of one input, in order. Their texts share one buffer, so that a record
/// needs no allocation.
#[derive(Default)]
pub(crate) struct RecordBuffer {
    /// The texts of the records.
    pub(crate) texts: Texts,
    pub(crate) entries: Vec<Entry>,
    /// What is kept of the input for the output.
    pub(crate) kept: KeptInput,
}

/// What is kept of the input of a batch, so that results can be written into it.
/// There is one variant for each kind of [`Output`](crate::output::Output).
#[derive(Default)]
pub(crate) enum KeptInput {
    /// Nothing, because results are written as a report.
    #[default]
    Nothing,
    /// The bytes of each row.
    Rows(SourceRows),
    /// The columns of a table.
    Table(TableRows),
}

/// A line or row that is a record, or what stands for one.
pub(crate) struct Entry {
    /// The number of the line or row in its input, from 1.
    pub(crate) line: u64,
    pub(crate) kind: EntryKind,
}

pub(crate) enum EntryKind {
    /// A record. Its text is the next of the buffer's texts.
    Record,
    /// A line that gave no record.
    Invalid(Box<InvalidRecord>),
    /// A row that is not a record and is written unchanged.
    SkippedRow,
    /// An input that could not be opened. It does not count as a record.
    Unopened(io::Error),
}

impl RecordBuffer {
    /// Adds a record.
    pub(crate) fn push(&mut self, line: u64, text: &str) {
        self.texts.push(text);
        self.add(line, EntryKind::Record);
    }

    /// Adds a record whose text the caller adds to [`RecordBuffer::texts`].
    pub(crate) fn push_without_text(&mut self, line: u64) {
        self.add(line, EntryKind::Record);
    }

    /// Adds an error instead of a record.
    pub(crate) fn push_invalid(&mut self, error: InvalidRecord) {
        self.add(error.line(), EntryKind::Invalid(Box::new(error)));
    }

    /// Adds a row that is not a record.
    pub(crate) fn push_skipped(&mut self, line: u64) {
        self.add(line, EntryKind::SkippedRow);
    }

    /// Adds an input that could not be opened.
    pub(crate) fn push_unopened(&mut self, error: io::Error) {
        self.add(0, EntryKind::Unopened(error));
    }

    /// Keeps the row of the entry that was added last. The result is written at
    /// `splice`; without one the row stays as it is.
    pub(crate) fn keep_row(&mut self, row: &[u8], splice: Option<Splice>) {
        if let KeptInput::Rows(rows) = &mut self.kept {
            rows.push(row, splice);
        }
    }

    fn add(&mut self, line: u64, kind: EntryKind) {
        self.entries.push(Entry { line, kind });
    }

    /// Number of bytes of the texts and of what is kept.
    pub(crate) fn bytes(&self) -> usize {
        let kept = match &self.kept {
            KeptInput::Nothing => 0,
            KeptInput::Rows(rows) => rows.bytes(),
            KeptInput::Table(rows) => rows.bytes(),
        };
        self.texts.as_str().len() + kept
    }
}
