//! Rows that are written again with results in one of their columns.
//!
//! The reader keeps the bytes of each row and finds the range that the result
//! replaces. The worker writes the result there. All other bytes of the row stay
//! as they are in the input.

use std::io;
use std::ops::Range;

use super::bounded::BoundedBuffer;
use super::csv::header::CsvHeader;
use super::csv::write::{push_field, push_fields, write_field};
use crate::escape::{escape_json, escape_lines};

/// The format of rows that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowFormat {
    /// Fields with this delimiter.
    Csv(u8),
    /// One JSON object per line.
    Objects,
}

/// The column or key that results are written to.
#[derive(Clone, Debug)]
pub(crate) struct ColumnTarget {
    pub(crate) name: String,
    pub(crate) format: RowFormat,
    /// The line end of a row.
    pub(crate) line_end: &'static str,
    /// Whether rows are shown on a terminal, and so must be escaped.
    pub(crate) is_terminal: bool,
}

/// The rows of one batch, one for each entry, in one buffer.
#[derive(Default)]
pub(crate) struct SourceRows {
    bytes: Vec<u8>,
    rows: Vec<SourceRow>,
}

struct SourceRow {
    end: usize,
    splice: Option<Splice>,
}

/// The position of a result in its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    /// The bytes of the row that are replaced.
    pub(crate) range: Range<usize>,
    pub(crate) kind: SpliceKind,
}

/// What is written in front of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpliceKind {
    /// Nothing, because the result replaces a value.
    Replace,
    /// A delimiter, and in an object the key.
    Append,
    /// The key alone, because the object is empty.
    First,
}

impl Splice {
    /// Replaces the value in this range.
    pub(crate) fn replace(range: Range<usize>) -> Self {
        Self {
            range,
            kind: SpliceKind::Replace,
        }
    }

    /// Adds a value at this position, after others.
    pub(crate) fn append(at: usize) -> Self {
        Self {
            range: at..at,
            kind: SpliceKind::Append,
        }
    }

    /// Adds the first value of an object at this position.
    pub(crate) fn first(at: usize) -> Self {
        Self {
            range: at..at,
            kind: SpliceKind::First,
        }
    }
}

impl SourceRows {
    /// Adds a row. The result is written at `splice`, in bytes of the row; without
    /// one the row is written as it is.
    pub(crate) fn push(&mut self, row: &[u8], splice: Option<Splice>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(row);
        let splice = splice.map(|Splice { range, kind }| Splice {
            range: start + range.start..start + range.end,
            kind,
        });
        self.rows.push(SourceRow {
            end: self.bytes.len(),
            splice,
        });
    }

    /// Number of bytes of all rows.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the row at index `at` with its result, or with an empty value when
    /// there is none. A row of which nothing was kept is left out.
    ///
    /// # Errors
    /// When the row does not fit into `out`.
    pub(crate) fn write(
        &self,
        out: &mut BoundedBuffer,
        at: usize,
        target: &ColumnTarget,
        result: Option<&str>,
    ) -> io::Result<()> {
        let Some(row) = self.rows.get(at) else {
            return Ok(());
        };
        let start = match at.checked_sub(1) {
            Some(before) => self.rows[before].end,
            None => 0,
        };
        if start == row.end && row.splice.is_none() {
            return Ok(());
        }
        let begin = out.len();
        match &row.splice {
            None => out.push(&self.bytes[start..row.end])?,
            Some(Splice { range, kind }) => {
                out.push(&self.bytes[start..range.start])?;
                target.write_value(out, *kind, result)?;
                out.push(&self.bytes[range.end..row.end])?;
            }
        }
        if out.len() == begin {
            // An empty line would not be read as a row.
            out.push(b"\"\"")?;
        }
        if target.is_terminal {
            let escaped = target.escape(&out.bytes[begin..]);
            out.bytes.truncate(begin);
            out.push(escaped.as_bytes())?;
        }
        out.push(target.line_end.as_bytes())
    }
}

impl ColumnTarget {
    /// The first line of the output: the names of the columns. Empty for objects.
    pub(crate) fn header_line(&self, header: &CsvHeader) -> Vec<u8> {
        let RowFormat::Csv(delimiter) = self.format else {
            return Vec::new();
        };
        let mut line = Vec::new();
        if delimiter == header.delimiter {
            line.extend_from_slice(header.raw.as_bytes());
        } else {
            let columns = header.columns.iter().map(String::as_str);
            push_fields(&mut line, columns, delimiter);
        }
        if !header.columns.contains(&self.name) {
            line.push(delimiter);
            push_field(&mut line, &self.name, delimiter);
        }
        if self.is_terminal {
            line = self.escape(&line).into_bytes();
        }
        line.extend_from_slice(self.line_end.as_bytes());
        line
    }

    fn write_value(
        &self,
        out: &mut BoundedBuffer,
        kind: SpliceKind,
        result: Option<&str>,
    ) -> io::Result<()> {
        match self.format {
            RowFormat::Csv(delimiter) => {
                if kind == SpliceKind::Append {
                    out.push(&[delimiter])?;
                }
                write_field(out, result.unwrap_or_default(), delimiter)?;
            }
            RowFormat::Objects => {
                if kind == SpliceKind::Append {
                    out.push(b",")?;
                }
                if kind != SpliceKind::Replace {
                    serde_json::to_writer(&mut *out, &self.name)?;
                    out.push(b":")?;
                }
                serde_json::to_writer(&mut *out, &result)?;
            }
        }
        Ok(())
    }

    /// The row with invisible characters spelled out.
    fn escape(&self, row: &[u8]) -> String {
        let text = String::from_utf8_lossy(row);
        match self.format {
            RowFormat::Csv(_) => escape_lines(&text).into_owned(),
            RowFormat::Objects => escape_json(text.into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(format: RowFormat) -> ColumnTarget {
        ColumnTarget {
            name: "new".to_owned(),
            format,
            line_end: "\n",
            is_terminal: false,
        }
    }

    /// One row with its result.
    fn written(
        format: RowFormat,
        row: &str,
        splice: Option<Splice>,
        result: Option<&str>,
    ) -> String {
        let (mut rows, mut out) = (SourceRows::default(), BoundedBuffer::new(usize::MAX));
        rows.push(b"before", None);
        rows.push(row.as_bytes(), splice);
        rows.write(&mut out, 1, &target(format), result).unwrap();
        String::from_utf8(out.bytes).unwrap()
    }

    #[test]
    fn result_is_spliced_into_its_row() {
        let table = RowFormat::Csv(b',');
        for (format, row, splice, result, expected) in [
            (
                table,
                "a,b",
                Some(Splice::replace(2..3)),
                Some("x"),
                "a,x\n",
            ),
            (
                table,
                "a,b",
                Some(Splice::replace(0..1)),
                Some("x,\"y\""),
                "\"x,\"\"y\"\"\",b\n",
            ),
            (table, "a,b", Some(Splice::replace(0..1)), None, ",b\n"),
            (
                table,
                "a,b",
                Some(Splice::append(3)),
                Some("x\ny"),
                "a,b,\"x\ny\"\n",
            ),
            (table, "a,b", Some(Splice::append(3)), None, "a,b,\n"),
            (table, "a", Some(Splice::replace(0..1)), None, "\"\"\n"),
            (table, "a,b,c", None, None, "a,b,c\n"),
            (table, "", None, None, ""),
            (
                RowFormat::Objects,
                "{ }",
                Some(Splice::first(1)),
                Some("x"),
                "{\"new\":\"x\" }\n",
            ),
            (
                RowFormat::Objects,
                "{\"a\":1}",
                Some(Splice::append(6)),
                None,
                "{\"a\":1,\"new\":null}\n",
            ),
            (
                RowFormat::Objects,
                "{\"a\":1}",
                Some(Splice::replace(5..6)),
                Some("\""),
                "{\"a\":\"\\\"\"}\n",
            ),
        ] {
            assert_eq!(written(format, row, splice, result), expected);
        }
    }
}
