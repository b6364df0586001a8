//! What becomes of a line: a record, why there is none, or nothing.
//!
//! Cutting takes longer than reading, and more so of JSON, so it is left to the
//! workers wherever the reader can tell without it how many records there are.

use std::sync::Arc;

use kumiki_text::{Lines, ReadError, Record};

use super::batch::{Batch, Unread};
use super::{field, object};

/// How lines are made records of.
#[derive(Debug)]
pub(super) enum Cutting {
    /// Each line is a record.
    Lines { skip_blank: bool },
    /// Each line is an object, and a record the text under one of its keys.
    Objects {
        field: String,
        skip_blank: bool,
        /// The key that results go into.
        into: Option<String>,
    },
}

/// Lines that a worker is to cut.
pub(super) struct Uncut {
    lines: Lines,
    cutting: Arc<Cutting>,
    /// How many records they come to.
    pub(super) records: u64,
}

impl Uncut {
    /// For a way of cutting that [can wait](Cutting::can_wait).
    pub(super) fn new(lines: Lines, cutting: &Arc<Cutting>) -> Self {
        let records = match **cutting {
            Cutting::Lines { skip_blank: false } => lines.count(),
            _ => lines.count() - lines.blank(),
        };
        Self {
            lines,
            cutting: cutting.clone(),
            records,
        }
    }

    /// How many bytes there are.
    pub(super) fn bytes(&self) -> usize {
        self.lines.bytes()
    }

    /// Adds what is in the lines to a batch.
    pub(super) fn cut(&self, batch: &mut Batch) {
        for (bytes, record) in self.lines.iter() {
            match record {
                Ok(record) => self.cutting.record(batch, record),
                Err(error) => self.cutting.error(batch, error, bytes),
            }
        }
    }
}

impl Cutting {
    /// Whether the lines alone say how many records there are.
    pub(super) fn can_wait(&self) -> bool {
        !matches!(
            self,
            Self::Objects {
                skip_blank: true,
                ..
            }
        )
    }

    /// Adds what is in a line.
    pub(super) fn record(&self, batch: &mut Batch, Record { line, text, .. }: Record<'_>) {
        match self {
            Self::Lines { skip_blank } if *skip_blank && is_blank(text) => {}
            Self::Lines { .. } => batch.push(line, text),
            // Between JSON objects a blank line is nothing.
            Self::Objects { .. } if is_blank(text) => {}
            Self::Objects {
                field,
                skip_blank,
                into,
            } => {
                match field::text(text, field) {
                    Ok(text) if *skip_blank && is_blank(&text) => {
                        if into.is_none() {
                            return;
                        }
                        batch.push_passed(line);
                    }
                    Ok(text) => batch.push(line, &text),
                    Err(reason) => batch.push_unread(Unread::Row { line, reason }),
                }
                if let Some(into) = into {
                    batch.keep(text.as_bytes(), object::place(text, into));
                }
            }
        }
    }

    /// Adds why there is no record in a line, of which these are the bytes.
    pub(super) fn error(&self, batch: &mut Batch, error: ReadError, bytes: &[u8]) {
        batch.push_unread(Unread::Line(error));
        if let Self::Objects { .. } = self {
            batch.keep(bytes, None);
        }
    }
}

pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
