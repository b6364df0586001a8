//! Lines that are read and not parsed yet, for another thread to do that.

use std::ops::Range;

use super::line::{Record, record, strip};
use crate::diagnostic::ReadError;

/// Lines that were [taken](crate::Records::take_lines) and are not parsed yet.
///
/// ```
/// use kumiki_pipeline::Records;
///
/// let mut records = Records::new(&b"one\ntwo\r\nthree\nfour"[..], 1 << 20);
/// assert!(records.take_lines(10, 1 << 10).is_none(), "nothing is read yet");
/// assert_eq!(records.next_record().unwrap()?.text, "one");
///
/// let lines = records.take_lines(10, 1 << 10).unwrap();
/// let texts = lines.iter().map(|(_, record)| record.map(|record| record.text));
/// assert_eq!(texts.collect::<Result<Vec<_>, _>>()?, ["two", "three"]);
/// assert_eq!(records.next_record().unwrap()?.line, 4);
/// # Ok::<(), kumiki_pipeline::ReadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lines {
    /// The bytes of the lines, with their ends.
    pub(super) bytes: Vec<u8>,
    /// Number of lines before them in the input.
    pub(super) before: u64,
    pub(super) count: u64,
    /// The longest line that is a record, in bytes.
    pub(super) limit: usize,
}

impl Lines {
    /// Number of lines.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Number of bytes, line ends included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Number of lines that are records of nothing but white space.
    #[must_use]
    pub fn blank(&self) -> u64 {
        let blank = |(range, number): &(Range<usize>, u64)| {
            // Most lines begin with a visible character, which is quick to test.
            if self.bytes[range.start].is_ascii_graphic() {
                return false;
            }
            let text = &self.bytes[strip(&self.bytes, range.clone(), *number)];
            let text = std::str::from_utf8(text).ok();
            text.is_some_and(|text| text.len() <= self.limit && text.trim().is_empty())
        };
        self.ranges().filter(blank).count() as u64
    }

    /// The bytes of each line, as [`Records::last_line`](crate::Records::last_line) gives
    /// them, and its record, as [`Records::next_record`](crate::Records::next_record) does.
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

    /// The range of each line, with its end, and its number.
    fn ranges(&self) -> impl Iterator<Item = (Range<usize>, u64)> {
        let ends = memchr::memchr_iter(b'\n', &self.bytes).map(|end| end + 1);
        let ranges = ends.scan(0, |start, end| Some(std::mem::replace(start, end)..end));
        ranges.zip(self.before + 1..)
    }
}
