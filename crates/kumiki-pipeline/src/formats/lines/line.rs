//! One line: its record, and where its text begins and ends.

use std::ops::Range;

use crate::diagnostic::ReadError;

/// One record and its place in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The number of the line, from 1.
    pub line: u64,
    /// The line without its end.
    pub text: &'a str,
}

/// The record of a line that is UTF-8.
pub(super) fn record(bytes: &[u8], line: u64) -> Result<Record<'_>, ReadError> {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(text) => Ok(Record { line, text }),
        Err(error) => Err(ReadError::NotUtf8 {
            line,
            column: error.valid_up_to() + 1,
            truncated: error.error_len().is_none(),
        }),
    }
}

/// The range of a line without its end, and of line 1 without a byte order mark.
#[inline]
pub(super) fn strip(buffer: &[u8], line: Range<usize>, number: u64) -> Range<usize> {
    let Range { mut start, mut end } = line;
    match &buffer[start..end] {
        [.., b'\r', b'\n'] => end -= 2,
        [.., b'\n'] => end -= 1,
        _ => {}
    }
    if number == 1 && buffer[start..end].starts_with(b"\xef\xbb\xbf") {
        start += 3;
    }
    start..end
}

/// Whether a text has nothing but white space.
pub(crate) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
