//! Where a result goes: into a column of the row that its record came from.
//!
//! The reader keeps each row as it stands in the input and says where the result
//! belongs in it; the worker puts it there. What else is in the row is never
//! taken apart, so that it is what it was, byte for byte.

use std::io::{self, Write};
use std::ops::Range;

use super::table::Header;
use crate::console::escape_lines;
use crate::output::{Bounded, json};

/// What rows are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowForm {
    /// Fields with this between them.
    Table(u8),
    /// A JSON object a line.
    Objects,
}

/// The column that results go into.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) form: RowForm,
    /// What a row ends with.
    pub(crate) end: &'static str,
    /// Whether a person watches.
    pub(crate) terminal: bool,
}

/// Rows of one batch, one for each of its items, one behind the other.
#[derive(Default)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

struct Row {
    end: usize,
    /// What the result takes the place of, and what stands before it.
    place: Option<(Range<usize>, Lead)>,
}

/// What stands between the row and a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// Nothing: there was a value before.
    Replaced,
    /// A delimiter, and a key where there are keys.
    Added,
    /// The key alone: the object had none.
    First,
}

impl Kept {
    /// Adds a row with a place for the result, in bytes of the row. Without one
    /// it is written as it is.
    pub(super) fn push(&mut self, row: &[u8], place: Option<(Range<usize>, Lead)>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(row);
        let place = place.map(|(range, lead)| (start + range.start..start + range.end, lead));
        self.rows.push(Row {
            end: self.bytes.len(),
            place,
        });
    }

    /// How many bytes there are.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Writes one of the rows with its result, or with none in its place. A row
    /// of which nothing was kept is left out.
    ///
    /// # Errors
    /// When it does not fit.
    pub(super) fn write(
        &self,
        out: &mut Bounded,
        at: usize,
        target: &Target,
        result: Option<&str>,
    ) -> io::Result<()> {
        let Some(row) = self.rows.get(at) else {
            return Ok(());
        };
        let start = match at.checked_sub(1) {
            Some(before) => self.rows[before].end,
            None => 0,
        };
        if start == row.end && row.place.is_none() {
            return Ok(());
        }
        let begun = out.len();
        match &row.place {
            None => out.push(&self.bytes[start..row.end])?,
            Some((place, lead)) => {
                out.push(&self.bytes[start..place.start])?;
                target.value(out, *lead, result)?;
                out.push(&self.bytes[place.end..row.end])?;
            }
        }
        if out.len() == begun {
            // An empty line would be no row.
            out.push(b"\"\"")?;
        }
        if target.terminal {
            let safe = target.disarmed(&out.bytes[begun..]);
            out.bytes.truncate(begun);
            out.push(safe.as_bytes())?;
        }
        out.push(target.end.as_bytes())
    }
}

impl Target {
    /// The first line of what is written, where there is one: the columns.
    pub(super) fn head(&self, header: &Header) -> Vec<u8> {
        let RowForm::Table(wanted) = self.form else {
            return Vec::new();
        };
        let mut head = Vec::new();
        if wanted == header.delimiter {
            head.extend_from_slice(header.raw.as_bytes());
        } else {
            let columns = header.columns.iter().map(String::as_str);
            fields(&mut head, columns, wanted);
        }
        if !header.columns.contains(&self.name) {
            head.push(wanted);
            quoted(&mut head, &self.name, wanted);
        }
        if self.terminal {
            head = self.disarmed(&head).into_bytes();
        }
        head.extend_from_slice(self.end.as_bytes());
        head
    }

    fn value(&self, out: &mut Bounded, lead: Lead, result: Option<&str>) -> io::Result<()> {
        match self.form {
            RowForm::Table(delimiter) => {
                if lead == Lead::Added {
                    out.push(&[delimiter])?;
                }
                write_quoted(out, result.unwrap_or_default(), delimiter)?;
            }
            RowForm::Objects => {
                if lead == Lead::Added {
                    out.push(b",")?;
                }
                if lead != Lead::Replaced {
                    serde_json::to_writer(&mut *out, &self.name)?;
                    out.push(b":")?;
                }
                serde_json::to_writer(&mut *out, &result)?;
            }
        }
        Ok(())
    }

    /// Spells out what a terminal would obey.
    fn disarmed(&self, row: &[u8]) -> String {
        let text = String::from_utf8_lossy(row);
        match self.form {
            RowForm::Table(_) => escape_lines(&text).into_owned(),
            RowForm::Objects => json::spelled_out(text.into_owned()),
        }
    }
}

/// Fields of a row, quoted where need be.
fn fields<'a>(out: &mut Vec<u8>, fields: impl Iterator<Item = &'a str>, delimiter: u8) {
    let begun = out.len();
    for (at, field) in fields.enumerate() {
        if at > 0 {
            out.push(delimiter);
        }
        quoted(out, field, delimiter);
    }
    if out.len() == begun {
        out.extend_from_slice(b"\"\"");
    }
}

/// A field, in quotes where it would not be one without them.
pub(super) fn quoted(out: &mut Vec<u8>, field: &str, delimiter: u8) {
    // Writing into memory does not fail.
    let _ = write_quoted(out, field, delimiter);
}

/// The same into anything.
fn write_quoted(out: &mut impl Write, field: &str, delimiter: u8) -> io::Result<()> {
    let special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\r' | b'\n');
    // At the very beginning of a file it would be passed over.
    let marked = field.starts_with('\u{feff}');
    if !marked && !field.bytes().any(special) {
        return out.write_all(field.as_bytes());
    }
    out.write_all(b"\"")?;
    for (at, part) in field.split('"').enumerate() {
        if at > 0 {
            out.write_all(b"\"\"")?;
        }
        out.write_all(part.as_bytes())?;
    }
    out.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn target(form: RowForm) -> Target {
        Target {
            name: "new".to_owned(),
            form,
            end: "\n",
            terminal: false,
        }
    }

    /// What comes of one row.
    fn written(
        form: RowForm,
        row: &str,
        place: Option<(Range<usize>, Lead)>,
        result: Option<&str>,
    ) -> String {
        let (mut kept, mut out) = (Kept::default(), Bounded::new(usize::MAX));
        kept.push(b"before", None);
        kept.push(row.as_bytes(), place);
        kept.write(&mut out, 1, &target(form), result).unwrap();
        String::from_utf8(out.bytes).unwrap()
    }

    #[test]
    fn a_result_takes_its_place() {
        let table = RowForm::Table(b',');
        for (form, row, place, result, expected) in [
            (
                table,
                "a,b",
                Some((2..3, Lead::Replaced)),
                Some("x"),
                "a,x\n",
            ),
            (
                table,
                "a,b",
                Some((0..1, Lead::Replaced)),
                Some("x,\"y\""),
                "\"x,\"\"y\"\"\",b\n",
            ),
            (table, "a,b", Some((0..1, Lead::Replaced)), None, ",b\n"),
            (
                table,
                "a,b",
                Some((3..3, Lead::Added)),
                Some("x\ny"),
                "a,b,\"x\ny\"\n",
            ),
            (table, "a,b", Some((3..3, Lead::Added)), None, "a,b,\n"),
            (table, "a", Some((0..1, Lead::Replaced)), None, "\"\"\n"),
            (table, "a,b,c", None, None, "a,b,c\n"),
            (table, "", None, None, ""),
            (
                RowForm::Objects,
                "{ }",
                Some((1..1, Lead::First)),
                Some("x"),
                "{\"new\":\"x\" }\n",
            ),
            (
                RowForm::Objects,
                "{\"a\":1}",
                Some((6..6, Lead::Added)),
                None,
                "{\"a\":1,\"new\":null}\n",
            ),
            (
                RowForm::Objects,
                "{\"a\":1}",
                Some((5..6, Lead::Replaced)),
                Some("\""),
                "{\"a\":\"\\\"\"}\n",
            ),
        ] {
            assert_eq!(written(form, row, place, result), expected);
        }
    }

    proptest! {
        /// Whatever the result is, it is read again as what it is.
        #[test]
        fn fields_are_read_as_they_were(texts in proptest::collection::vec("\\PC*|[,\"\r\n\t a\u{feff}]{0,9}", 1..5), tab in any::<bool>()) {
            let delimiter = if tab { b'\t' } else { b',' };
            let mut out = Vec::new();
            fields(&mut out, texts.iter().map(String::as_str), delimiter);
            let mut reader = csv::ReaderBuilder::new();
            let mut reader = reader.has_headers(false).delimiter(delimiter).from_reader(&out[..]);
            let row = reader.records().next().unwrap().unwrap();
            prop_assert_eq!(row.iter().collect::<Vec<_>>(), texts);
        }
    }
}
