//! Lines that were read and not looked at, for another thread to do that.

use std::ops::Range;

use crate::records::{ReadError, Record};

/// Lines that were [taken](crate::Records::take_lines) and not looked at.
///
/// ```
/// use kumiki_text::Records;
///
/// let mut records = Records::new(&b"one\ntwo\r\nthree\nfour"[..], 1 << 20);
/// assert!(records.take_lines(10, 1 << 10).is_none(), "nothing is read yet");
/// assert_eq!(records.next_record().unwrap()?.text, "one");
///
/// let lines = records.take_lines(10, 1 << 10).unwrap();
/// let texts = lines.iter().map(|(_, record)| record.map(|record| record.text));
/// assert_eq!(texts.collect::<Result<Vec<_>, _>>()?, ["two", "three"]);
/// assert_eq!(records.next_record().unwrap()?.line, 4);
/// # Ok::<(), kumiki_text::ReadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lines {
    /// With their ends.
    pub(crate) bytes: Vec<u8>,
    /// How many lines stand before them in the input.
    pub(crate) before: u64,
    pub(crate) count: u64,
    /// The longest that is a record, in bytes.
    pub(crate) limit: usize,
}

impl Lines {
    /// How many lines there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many bytes they have, with their ends.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// How many of them are records of nothing but white space.
    #[must_use]
    pub fn blank(&self) -> u64 {
        let blank = |(range, number): &(Range<usize>, u64)| {
            // Most begin with what is none, which is quick to see.
            if self.bytes[range.start].is_ascii_graphic() {
                return false;
            }
            let text = &self.bytes[strip(&self.bytes, range.clone(), *number)];
            let text = std::str::from_utf8(text).ok();
            text.is_some_and(|text| text.len() <= self.limit && text.trim().is_empty())
        };
        self.ranges().filter(blank).count() as u64
    }

    /// Each line: its bytes as of [`Records::last_line`](crate::Records::last_line), and what
    /// [`Records::next_record`](crate::Records::next_record) would have given.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Result<Record<'_>, ReadError>)> {
        self.ranges().map(|(range, line)| {
            let bytes = &self.bytes[strip(&self.bytes, range, line)];
            match bytes.len() <= self.limit {
                true => (bytes, record(bytes, line)),
                false => {
                    let limit = self.limit;
                    (&[][..], Err(ReadError::TooLong { line, limit }))
                }
            }
        })
    }

    /// Where each line lies, with its end, and its number.
    fn ranges(&self) -> impl Iterator<Item = (Range<usize>, u64)> {
        let ends = memchr::memchr_iter(b'\n', &self.bytes).map(|end| end + 1);
        let ranges = ends.scan(0, |start, end| Some(std::mem::replace(start, end)..end));
        ranges.zip(self.before + 1..)
    }
}

/// A line's record, if it is UTF-8.
pub(crate) fn record(bytes: &[u8], line: u64) -> Result<Record<'_>, ReadError> {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(text) => Ok(Record { line, text }),
        Err(error) => Err(ReadError::NotUtf8 {
            line,
            column: error.valid_up_to() + 1,
            truncated: error.error_len().is_none(),
        }),
    }
}

/// Where a line is without its end, and the first one without a byte order mark.
#[inline]
pub(crate) fn strip(buffer: &[u8], line: Range<usize>, number: u64) -> Range<usize> {
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
