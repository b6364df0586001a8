//! Lines as records: each line itself, or a text in the JSON object of the line.
//!
//! Parsing takes longer than reading, in particular of JSON. Workers do it where
//! the reader can count the records without it.

use std::sync::Arc;

use super::line::{Record, is_blank};
use super::raw_lines::Lines;
use crate::diagnostic::{InvalidRecord, ReadError};
use crate::formats::jsonl::read::parse;
use crate::formats::record_buffer::RecordBuffer;

/// How the record of a line is found.
#[derive(Debug)]
pub(crate) enum LineFormat {
    /// Each line is a record.
    Text { skip_blank: bool },
    /// Each line is a JSON object, and the text under a key is a record.
    Objects {
        field: String,
        skip_blank: bool,
        /// The key that results are written to.
        into: Option<String>,
    },
}

/// Lines to be parsed by a worker.
pub(crate) struct UnparsedLines {
    lines: Lines,
    format: Arc<LineFormat>,
    /// Number of records in the lines.
    pub(crate) records: u64,
}

impl UnparsedLines {
    /// The format must be [countable](LineFormat::is_countable).
    pub(super) fn new(lines: Lines, format: &Arc<LineFormat>) -> Self {
        let records = match **format {
            LineFormat::Text { skip_blank: false } => lines.count(),
            _ => lines.count() - lines.blank(),
        };
        Self {
            lines,
            format: format.clone(),
            records,
        }
    }

    /// Number of lines.
    pub(crate) fn count(&self) -> u64 {
        self.lines.count()
    }

    /// Number of bytes of the lines.
    pub(crate) fn bytes(&self) -> usize {
        self.lines.bytes()
    }

    /// Adds the records of the lines to a buffer.
    pub(crate) fn parse(&self, buffer: &mut RecordBuffer) {
        for (bytes, record) in self.lines.iter() {
            match record {
                Ok(record) => self.format.add_record(buffer, record),
                Err(error) => self.format.add_error(buffer, error, bytes),
            }
        }
    }
}

impl LineFormat {
    /// Whether the number of records is known without parsing the lines.
    pub(crate) fn is_countable(&self) -> bool {
        !matches!(
            self,
            Self::Objects {
                skip_blank: true,
                ..
            }
        )
    }

    pub(super) fn add_record(
        &self,
        buffer: &mut RecordBuffer,
        Record { line, text, .. }: Record<'_>,
    ) {
        match self {
            Self::Text { skip_blank } if *skip_blank && is_blank(text) => {}
            Self::Text { .. } => buffer.push(line, text),
            // A blank line between JSON objects is not a record.
            Self::Objects { .. } if is_blank(text) => {}
            Self::Objects {
                field,
                skip_blank,
                into,
            } => {
                let object = parse(text, field, into.as_deref());
                match object.text {
                    Ok(text) if *skip_blank && is_blank(&text) => {
                        if into.is_none() {
                            return;
                        }
                        buffer.push_skipped(line);
                    }
                    Ok(text) => buffer.push(line, &text),
                    Err(reason) => buffer.push_invalid(InvalidRecord::Malformed { line, reason }),
                }
                if into.is_some() {
                    buffer.keep_row(text.as_bytes(), object.splice);
                }
            }
        }
    }

    /// Adds the error of a line that has these bytes.
    pub(super) fn add_error(&self, buffer: &mut RecordBuffer, error: ReadError, bytes: &[u8]) {
        buffer.push_invalid(InvalidRecord::Line(error));
        if let Self::Objects { .. } = self {
            buffer.keep_row(bytes, None);
        }
    }
}
