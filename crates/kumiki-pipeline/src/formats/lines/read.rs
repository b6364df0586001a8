//! Reads an input of lines.

use std::sync::Arc;

use super::records::Records;
use super::unparsed::{LineFormat, UnparsedLines};
use crate::files::source::ByteSource;
use crate::formats::record_buffer::RecordBuffer;
use crate::formats::record_source::RecordSource;

/// Reads the records of an input of lines.
pub(crate) struct LineReader {
    records: Records<ByteSource>,
    format: Arc<LineFormat>,
    /// Whether workers parse the lines.
    workers_parse: bool,
}

impl LineReader {
    /// With several workers, lines are left to them where that is possible.
    pub(crate) fn new(
        source: ByteSource,
        line_limit: usize,
        format: LineFormat,
        several_workers: bool,
    ) -> Self {
        Self {
            records: Records::new(source, line_limit),
            workers_parse: several_workers && format.is_countable(),
            format: Arc::new(format),
        }
    }
}

impl RecordSource for LineReader {
    fn is_drained(&self) -> bool {
        self.records.is_drained()
    }

    fn read_ahead(&self) -> usize {
        self.records.read_ahead()
    }

    fn next(&mut self, buffer: &mut RecordBuffer) -> bool {
        match self.records.next_record() {
            None => return false,
            Some(Ok(record)) => self.format.add_record(buffer, record),
            Some(Err(error)) => {
                let bytes = self.records.last_line();
                self.format.add_error(buffer, error, bytes);
            }
        }
        true
    }

    fn has_unparsed(&self) -> bool {
        self.workers_parse
    }

    fn take_unparsed(&mut self, lines: usize, bytes: usize) -> Option<UnparsedLines> {
        let lines = self.records.take_lines(lines, bytes)?;
        Some(UnparsedLines::new(lines, &self.format))
    }
}
