//! Where records come from: lines, keys of JSON objects, cells of a table.

use std::sync::Arc;

use kumiki_text::Records;

use super::batch::Batch;
use super::columns::Columns;
use super::cutting::{Cutting, Uncut, is_blank};
use super::rows::{Rows, unquoted};
use super::source::Source;

/// An input that is opened.
pub(super) trait Feed {
    /// Whether what comes next needs reading, which may wait.
    fn is_drained(&self) -> bool;

    /// Whether [`Feed::leave`] ever does anything.
    fn leaves(&self) -> bool {
        false
    }

    /// Adds what is read already and left to a worker to cut, up to so many lines
    /// and bytes; how many lines.
    fn leave(&mut self, _batch: &mut Batch, _most: usize, _bytes: usize) -> u64 {
        0
    }

    /// Adds what comes next: a record, why there is none, or nothing where it is
    /// passed over. False at the end, and nothing is added.
    fn next(&mut self, batch: &mut Batch) -> bool;
}

/// Lines.
pub(super) struct LineFeed {
    pub(super) records: Records<Source>,
    pub(super) cutting: Arc<Cutting>,
    /// Whether cutting them is left to the workers.
    pub(super) leaves: bool,
}

impl Feed for LineFeed {
    fn is_drained(&self) -> bool {
        self.records.is_drained()
    }

    fn next(&mut self, batch: &mut Batch) -> bool {
        match self.records.next_record() {
            None => return false,
            Some(Ok(record)) => self.cutting.record(batch, record),
            Some(Err(error)) => {
                let bytes = self.records.last_line();
                self.cutting.error(batch, error, bytes);
            }
        }
        true
    }

    fn leaves(&self) -> bool {
        self.leaves
    }

    fn leave(&mut self, batch: &mut Batch, most: usize, bytes: usize) -> u64 {
        let Some(lines) = self.records.take_lines(most, bytes) else {
            return 0;
        };
        let count = lines.count();
        batch.leave(Uncut::new(lines, &self.cutting));
        count
    }
}

/// Each row has a record in one of its columns.
pub(super) struct Cells {
    pub(super) rows: Rows<Source>,
    pub(super) column: usize,
    pub(super) skip_blank: bool,
    /// What rows are made of again, with results in them.
    pub(super) columns: Option<Columns>,
}

impl Feed for Cells {
    fn is_drained(&self) -> bool {
        self.rows.is_drained()
    }

    fn next(&mut self, batch: &mut Batch) -> bool {
        let Some(mut row) = self.rows.next_row() else {
            return false;
        };
        let range = row.range(self.column);
        match std::mem::replace(&mut row.text, Ok("")) {
            Err(error) => batch.push_unread(error),
            Ok(text) => {
                // A row that is one has all of its columns.
                let cell = range.and_then(|range| text.get(range));
                let cell = unquoted(cell.unwrap_or_default());
                match self.skip_blank && is_blank(&cell) {
                    false => batch.push(row.line, &cell),
                    true if self.columns.is_some() => batch.push_passed(row.line),
                    true => {}
                }
            }
        }
        if let Some(columns) = &self.columns {
            columns.keep(batch, &row);
        }
        true
    }
}
