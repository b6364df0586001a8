//! Readers of records, whatever the format of the input.

use super::lines::unparsed::UnparsedLines;
use super::record_buffer::RecordBuffer;

/// Reads the records of one input, in order.
pub(crate) trait RecordSource {
    /// Whether the next record needs a read from the input, which may block.
    fn is_drained(&self) -> bool;

    /// Bytes that were read ahead, for the progress.
    fn read_ahead(&self) -> usize {
        0
    }

    /// Adds the next line or row to the buffer: a record, an error, or nothing
    /// when the line is skipped. Returns false at the end of the input.
    fn next(&mut self, buffer: &mut RecordBuffer) -> bool;

    /// Whether [`RecordSource::take_unparsed`] ever returns lines.
    fn has_unparsed(&self) -> bool {
        false
    }

    /// Takes lines that are read and left to a worker to parse: at most `lines`
    /// lines and `bytes` bytes, but at least one line.
    fn take_unparsed(&mut self, _lines: usize, _bytes: usize) -> Option<UnparsedLines> {
        None
    }
}
