//! Reads records from a column of CSV, and keeps their rows for the output.

use std::sync::Arc;

use super::header::{CsvHeader, CsvTable};
use super::reader::{CsvReader, CsvRow, unquote};
use super::write::push_field;
use crate::files::source::ByteSource;
use crate::formats::lines::line::is_blank;
use crate::formats::record_buffer::RecordBuffer;
use crate::formats::record_source::RecordSource;
use crate::formats::rows::{ColumnTarget, RowFormat, Splice};

/// Reads the records of a table.
pub(crate) struct CsvRecords {
    reader: CsvReader<ByteSource>,
    column: usize,
    skip_blank: bool,
    /// Keeps the rows, if results are written into them.
    keeper: Option<RowKeeper>,
}

impl CsvRecords {
    /// Takes records from the column at index `column`. With a `target`, rows are
    /// kept for results in that column.
    pub(crate) fn new(
        table: CsvTable,
        column: usize,
        skip_blank: bool,
        target: Option<&Arc<ColumnTarget>>,
    ) -> Self {
        Self {
            keeper: target.map(|target| RowKeeper::new(table.header, target.clone())),
            reader: table.reader,
            column,
            skip_blank,
        }
    }
}

impl RecordSource for CsvRecords {
    fn is_drained(&self) -> bool {
        self.reader.is_drained()
    }

    fn next(&mut self, buffer: &mut RecordBuffer) -> bool {
        let Some(mut row) = self.reader.next_row() else {
            return false;
        };
        let range = row.range(self.column);
        match std::mem::replace(&mut row.text, Ok("")) {
            Err(error) => buffer.push_invalid(error),
            Ok(text) => {
                // A valid row has all of its columns.
                let cell = range.and_then(|range| text.get(range));
                let cell = unquote(cell.unwrap_or_default());
                match self.skip_blank && is_blank(&cell) {
                    false => buffer.push(row.line, &cell),
                    true if self.keeper.is_some() => buffer.push_skipped(row.line),
                    true => {}
                }
            }
        }
        if let Some(keeper) = &self.keeper {
            keeper.keep(buffer, &row);
        }
        true
    }
}

/// Keeps rows of a table in the format of the output.
struct RowKeeper {
    columns: Vec<String>,
    /// The index of the column for results. `None` when the column is new.
    into: Option<usize>,
    delimiter: u8,
    target: Arc<ColumnTarget>,
}

impl RowKeeper {
    fn new(header: CsvHeader, target: Arc<ColumnTarget>) -> Self {
        Self {
            into: header.columns.iter().position(|name| *name == target.name),
            delimiter: header.delimiter,
            columns: header.columns,
            target,
        }
    }

    /// Keeps the row of the entry that was added last, also of one that is not a
    /// record.
    fn keep(&self, buffer: &mut RecordBuffer, row: &CsvRow<'_>) {
        if row.raw.is_empty() {
            // The row was too long to be read.
            return buffer.keep_row(&[], None);
        }
        match self.target.format {
            RowFormat::Csv(delimiter) if delimiter == self.delimiter => {
                let splice = match self.into {
                    None => Some(Splice::append(row.raw.len())),
                    // In a row with too few or too many fields the column is unknown.
                    Some(_) if !row.is_complete => None,
                    Some(into) => row.range(into).map(Splice::replace),
                };
                buffer.keep_row(row.raw, splice);
            }
            RowFormat::Csv(delimiter) => self.keep_converted(buffer, row, delimiter),
            RowFormat::Objects => self.keep_object(buffer, row),
        }
    }

    /// Keeps the fields with another delimiter.
    fn keep_converted(&self, buffer: &mut RecordBuffer, row: &CsvRow<'_>, delimiter: u8) {
        let texts: Vec<_> = texts(row).collect();
        let (mut out, mut splice) = (Vec::new(), None);
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                out.push(delimiter);
            }
            let start = out.len();
            push_field(&mut out, text, delimiter);
            if self.into == Some(at) {
                splice = Some(Splice::replace(start..out.len()));
            }
        }
        if self.into.is_none() {
            splice = Some(Splice::append(out.len()));
        }
        buffer.keep_row(&out, splice);
    }

    /// Keeps the fields as an object with the names of their columns.
    fn keep_object(&self, buffer: &mut RecordBuffer, row: &CsvRow<'_>) {
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let (mut out, mut splice) = (String::from("{"), None);
        for (at, (name, value)) in self.columns.iter().zip(texts(row)).enumerate() {
            if at > 0 {
                out.push(',');
            }
            out.push_str(&json(name));
            out.push(':');
            let start = out.len();
            out.push_str(&json(&value));
            if self.into == Some(at) {
                splice = Some(Splice::replace(start..out.len()));
            }
        }
        let end = out.len();
        out.push('}');
        let splice = splice.unwrap_or_else(|| Splice::append(end));
        buffer.keep_row(out.as_bytes(), Some(splice));
    }
}

/// The texts of the fields of a row. Invalid UTF-8 is replaced, because it is
/// reported as an error of the row.
fn texts<'a>(row: &'a CsvRow<'_>) -> impl Iterator<Item = String> + use<'a> {
    let ranges = (0..).map_while(|at| row.range(at));
    ranges.map(|range| {
        let field = String::from_utf8_lossy(row.raw.get(range).unwrap_or_default());
        unquote(&field).into_owned()
    })
}
