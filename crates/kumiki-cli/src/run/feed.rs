//! Where records come from: lines, keys of JSON objects, cells of a table.

use kumiki_text::{Record, Records};

use super::batch::{Batch, Unread};
use super::columns::Columns;
use super::field;
use super::object;
use super::rows::{Rows, unquoted};
use super::source::Source;

/// An input that is opened.
pub(super) trait Feed {
    /// Whether what comes next needs reading, which may wait.
    fn is_drained(&self) -> bool;

    /// Adds what comes next: a record, why there is none, or nothing where it is
    /// passed over. False at the end, and nothing is added.
    fn next(&mut self, batch: &mut Batch) -> bool;
}

/// Each line is a record.
pub(super) struct Lines {
    pub(super) records: Records<Source>,
    pub(super) skip_blank: bool,
}

impl Feed for Lines {
    fn is_drained(&self) -> bool {
        self.records.is_drained()
    }

    fn next(&mut self, batch: &mut Batch) -> bool {
        match self.records.next_record() {
            None => return false,
            Some(Err(error)) => batch.push_unread(Unread::Line(error)),
            Some(Ok(Record { text, .. })) if self.skip_blank && is_blank(text) => {}
            Some(Ok(Record { line, text, .. })) => batch.push(line, text),
        }
        true
    }
}

/// Each line is an object, and a record the text under one of its keys.
pub(super) struct Objects {
    pub(super) records: Records<Source>,
    pub(super) field: String,
    pub(super) skip_blank: bool,
    /// The key that results go into.
    pub(super) into: Option<String>,
}

impl Feed for Objects {
    fn is_drained(&self) -> bool {
        self.records.is_drained()
    }

    fn next(&mut self, batch: &mut Batch) -> bool {
        let Record { line, text, .. } = match self.records.next_record() {
            None => return false,
            Some(Ok(record)) => record,
            Some(Err(error)) => {
                batch.push_unread(Unread::Line(error));
                batch.keep(self.records.last_line(), None);
                return true;
            }
        };
        // Between JSON objects a blank line is nothing.
        if is_blank(text) {
            return true;
        }
        match field::text(text, &self.field) {
            Ok(text) if self.skip_blank && is_blank(&text) => {
                if self.into.is_none() {
                    return true;
                }
                batch.push_passed(line);
            }
            Ok(text) => batch.push(line, &text),
            Err(reason) => batch.push_unread(Unread::Row { line, reason }),
        }
        if let Some(into) = &self.into {
            batch.keep(text.as_bytes(), object::place(text, into));
        }
        true
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

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
