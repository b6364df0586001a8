//! The standard output side: results, written as text, JSON lines or raw.
//! The run emits, a writer renders: one file each.

pub(crate) mod json;
mod jsonl;
mod raw;
mod text;

use std::io::{self, Write};

use kumiki_text::{Outcome, ReadError};

use crate::arguments::Format;

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// Counted from 1 over all input.
    pub(crate) record: u64,
    /// File and line; none for `--text`.
    pub(crate) line: Option<(&'a str, u64)>,
}

/// Writes what comes of each record. Errors that the format has no place for
/// are the caller's to show.
pub(crate) trait ResultWriter {
    /// A new record begins. Called once for each, before its results.
    fn begin(&mut self, out: &mut dyn Write, place: Place<'_>) -> io::Result<()> {
        let _ = (out, place);
        Ok(())
    }

    /// What came of a record in one plugin. Whether an error was written.
    fn result(
        &mut self,
        out: &mut dyn Write,
        place: Place<'_>,
        outcome: &Outcome<'_>,
    ) -> io::Result<bool>;

    /// A line that gave no record. Whether it was written.
    fn unread(
        &mut self,
        out: &mut dyn Write,
        place: Place<'_>,
        error: &ReadError,
    ) -> io::Result<bool> {
        let _ = (out, place, error);
        Ok(false)
    }
}

/// The writer for a format; `terminal` is whether a person watches, `coloured`
/// whether in colours. What goes elsewhere is written byte for byte.
pub(crate) fn writer(format: Format, terminal: bool, coloured: bool) -> Box<dyn ResultWriter> {
    match format {
        Format::Text => Box::new(text::Text::new(terminal, coloured)),
        Format::Jsonl => Box::new(jsonl::JsonLines),
        Format::Raw => Box::new(raw::Raw { terminal }),
    }
}
