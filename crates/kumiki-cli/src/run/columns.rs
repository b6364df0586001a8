//! Rows of a table as they are written again, with a place for the result.

use std::sync::Arc;

use super::batch::Batch;
use super::rows::{Row, unquoted};
use super::table::Header;
use super::target::{Lead, RowForm, Target, quoted};

/// A table's columns, and what is made of its rows.
pub(super) struct Columns {
    names: Vec<String>,
    /// Which of them results go into; none where it is a new one.
    into: Option<usize>,
    delimiter: u8,
    target: Arc<Target>,
}

impl Columns {
    pub(super) fn new(header: Header, target: Arc<Target>) -> Self {
        Self {
            into: header.columns.iter().position(|name| *name == target.name),
            delimiter: header.delimiter,
            names: header.columns,
            target,
        }
    }

    /// Adds a row to the batch, whether or not there is a record in it.
    pub(super) fn keep(&self, batch: &mut Batch, row: &Row<'_>) {
        if row.raw.is_empty() {
            // It was too long to be had.
            return batch.keep(&[], None);
        }
        match self.target.form {
            RowForm::Table(delimiter) if delimiter == self.delimiter => {
                let end = row.raw.len();
                let place = match self.into {
                    None => Some((end..end, Lead::Added)),
                    // Among too few or too many fields it is anybody's guess.
                    Some(_) if !row.is_whole => None,
                    Some(into) => row.range(into).map(|range| (range, Lead::Replaced)),
                };
                batch.keep(row.raw, place);
            }
            RowForm::Table(delimiter) => self.keep_table(batch, row, delimiter),
            RowForm::Objects => self.keep_object(batch, row),
        }
    }

    /// The fields with another delimiter between them.
    fn keep_table(&self, batch: &mut Batch, row: &Row<'_>, delimiter: u8) {
        let texts: Vec<_> = self.texts(row).collect();
        let (mut out, mut place) = (Vec::new(), None);
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                out.push(delimiter);
            }
            let start = out.len();
            quoted(&mut out, text, delimiter);
            if self.into == Some(at) {
                place = Some((start..out.len(), Lead::Replaced));
            }
        }
        if self.into.is_none() {
            place = Some((out.len()..out.len(), Lead::Added));
        }
        batch.keep(&out, place);
    }

    /// The fields under their columns' names.
    fn keep_object(&self, batch: &mut Batch, row: &Row<'_>) {
        // Writing into memory does not fail, and texts are always JSON.
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let (mut out, mut place) = (String::from("{"), None);
        for (at, (name, value)) in self.names.iter().zip(self.texts(row)).enumerate() {
            if at > 0 {
                out.push(',');
            }
            out.push_str(&text(name));
            out.push(':');
            let start = out.len();
            out.push_str(&text(&value));
            if self.into == Some(at) {
                place = Some((start..out.len(), Lead::Replaced));
            }
        }
        let end = out.len();
        out.push('}');
        batch.keep(
            out.as_bytes(),
            Some(place.unwrap_or((end..end, Lead::Added))),
        );
    }

    /// What the row's fields say, as many as there are. What is no UTF-8 in them
    /// is told as an error of the row.
    fn texts<'a>(&self, row: &'a Row<'_>) -> impl Iterator<Item = String> + use<'a> {
        let ranges = (0..).map_while(|at| row.range(at));
        ranges.map(|range| {
            let field = String::from_utf8_lossy(row.raw.get(range).unwrap_or_default());
            unquoted(&field).into_owned()
        })
    }
}
