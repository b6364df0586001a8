//! Some records in a row, and what stands between them.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use kumiki_text::{ReadError, Texts};

use super::cutting::Uncut;
use super::journal::Mark;
use super::parquet::Rows;
use super::target::{Kept, Lead, Target};

/// Records of one input, in order. Their texts lie behind one another, so that
/// a record costs no allocation.
#[derive(Default)]
pub(super) struct Batch {
    /// The file's name; none for `--text`.
    pub(super) source: Option<Arc<str>>,
    /// The texts of its records.
    pub(super) texts: Texts,
    pub(super) items: Vec<Item>,
    /// The rows that its items came from, where results go back into them.
    pub(super) kept: Option<(Arc<Target>, Kept)>,
    /// Lines behind its items, to be cut before anything is done with it.
    uncut: Option<Uncut>,
    /// The same as a part of a table.
    pub(super) rows: Option<Rows>,
    /// How many records there are up to its end, over all input.
    pub(super) records: u64,
    /// Where in the input its end is.
    pub(super) mark: Mark,
    /// How many bytes of all inputs were read up to its end.
    pub(super) position: u64,
    /// How many bytes of the room it has.
    pub(super) room: usize,
}

/// One record, or why there is none in its place.
pub(super) struct Item {
    /// Counted from 1 within the source.
    pub(super) line: u64,
    pub(super) content: Content,
}

pub(super) enum Content {
    /// The next of the batch's texts.
    Text,
    Unread(Box<Unread>),
    /// A row that is passed over, and written all the same.
    Passed,
    /// The input could not be opened. That is no record.
    Unopened(io::Error),
}

/// Why a line gave no record.
pub(super) enum Unread {
    Line(ReadError),
    /// It holds nothing of the form that was asked for.
    Row {
        line: u64,
        reason: String,
    },
    /// The table cannot be read from this row on.
    Broken {
        row: u64,
        reason: String,
    },
}

impl Unread {
    fn line(&self) -> u64 {
        match self {
            Self::Line(error) => error.line(),
            Self::Row { line, .. } | Self::Broken { row: line, .. } => *line,
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(error) => error.fmt(f),
            Self::Broken { row, reason } => write!(f, "cannot read row {row}: {reason}"),
            Self::Row { line, reason } => write!(f, "line {line} is no record: {reason}"),
        }
    }
}

impl Batch {
    /// With none yet; before its first record there are so many.
    pub(super) fn new(source: Option<Arc<str>>, records: u64, target: Option<Arc<Target>>) -> Self {
        Self {
            source,
            records,
            kept: target.map(|target| (target, Kept::default())),
            ..Self::default()
        }
    }

    /// Leaves the last of its records to be cut.
    pub(super) fn leave(&mut self, uncut: Uncut) {
        self.records += uncut.records;
        self.uncut = Some(uncut);
    }

    /// Cuts what was left.
    pub(super) fn cut(&mut self) {
        if let Some(uncut) = self.uncut.take() {
            self.records -= uncut.records;
            uncut.cut(self);
        }
    }

    /// Whether nothing may be added any more.
    pub(super) fn is_closed(&self) -> bool {
        self.uncut.is_some()
    }

    /// Whether there is nothing in it, not even a blank line.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.uncut.is_none()
    }

    /// Adds a record.
    pub(super) fn push(&mut self, line: u64, text: &str) {
        self.texts.push(text);
        self.add(line, Content::Text);
    }

    /// Adds a record whose text is put among [`Batch::texts`] by itself.
    pub(super) fn push_placed(&mut self, line: u64) {
        self.add(line, Content::Text);
    }

    /// Adds what stands where a record should.
    pub(super) fn push_unread(&mut self, error: Unread) {
        self.add(error.line(), Content::Unread(Box::new(error)));
    }

    /// Adds a row that is passed over.
    pub(super) fn push_passed(&mut self, line: u64) {
        self.add(line, Content::Passed);
    }

    /// Keeps the row of the item that was added last; see [`Kept::push`].
    pub(super) fn keep(&mut self, row: &[u8], place: Option<(Range<usize>, Lead)>) {
        if let Some((_, kept)) = &mut self.kept {
            kept.push(row, place);
        }
    }

    fn add(&mut self, line: u64, content: Content) {
        self.records += 1;
        self.items.push(Item { line, content });
    }

    /// How many bytes its lines, texts and rows have.
    pub(super) fn bytes(&self) -> usize {
        let kept = self.kept.as_ref().map_or(0, |(_, kept)| kept.bytes());
        let rows = self.rows.as_ref().map_or(0, Rows::bytes);
        let uncut = self.uncut.as_ref().map_or(0, Uncut::bytes);
        self.texts.as_str().len() + kept + rows + uncut
    }

    /// The number of its first record, counted from 1 over all input.
    pub(super) fn first_record(&self) -> u64 {
        (self.records + 1).saturating_sub(self.items.len() as u64)
    }

    /// The file and line of its last record.
    pub(super) fn last(&self) -> Option<(Arc<str>, u64)> {
        Some((self.source.clone()?, self.items.last()?.line))
    }
}
