//! Reports: results written for each record and plugin, and not into rows.

use std::fmt;
use std::io;

use kumiki_text::{Outcome, Texts};

use super::bounded::BoundedBuffer;

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportFormat {
    Text,
    Jsonl,
    Raw,
}

/// How results are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenderOptions {
    /// Whether results are shown on a terminal. Then invisible characters are
    /// spelled out, and each record is a batch of its own, so that the log of a
    /// plugin appears above the result that it belongs to.
    pub is_terminal: bool,
    /// Whether text is written with colours, as ANSI escape sequences.
    pub coloured: bool,
}

impl RenderOptions {
    /// Options with these values.
    #[must_use]
    pub fn new(is_terminal: bool, coloured: bool) -> Self {
        Self {
            is_terminal,
            coloured,
        }
    }
}

/// The place of a record, as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordLocation<'a> {
    /// The number of the record over all inputs, from 1.
    pub(crate) record: u64,
    /// The name of the input and the line; `None` for a record that is a string.
    pub(crate) line: Option<(&'a str, u64)>,
}

/// Writes the results of records. Errors that the format has no place for are
/// reported by the caller. A write that does not fit into the buffer is an error.
pub(crate) trait ReportWriter {
    /// Begins a record. Called once for each record, before its results.
    fn begin(&mut self, out: &mut BoundedBuffer, location: RecordLocation<'_>) -> io::Result<()> {
        let _ = (out, location);
        Ok(())
    }

    /// Writes the result of a record in one plugin. Returns whether an error was
    /// written, if it is one.
    fn result(
        &mut self,
        out: &mut BoundedBuffer,
        location: RecordLocation<'_>,
        outcome: &Outcome<'_>,
    ) -> io::Result<bool>;

    /// Writes the outputs of consecutive records that went through one plugin
    /// without an error, with the same bytes as [`ReportWriter::result`] for each.
    /// Returns false, and writes nothing, when the format has more than the output
    /// of a record or the outputs do not fit.
    fn outputs(&mut self, out: &mut BoundedBuffer, outputs: &Texts) -> bool {
        let _ = (out, outputs);
        false
    }

    /// Writes the error of a line that gave no record. Returns whether the format
    /// has a place for it.
    fn invalid(
        &mut self,
        out: &mut BoundedBuffer,
        location: RecordLocation<'_>,
        error: &dyn fmt::Display,
    ) -> io::Result<bool> {
        let _ = (out, location, error);
        Ok(false)
    }
}
