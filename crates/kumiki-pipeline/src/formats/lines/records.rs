//! Lines of text as records, read in bounded memory.
//!
//! A record is one line. Its end (`\n` or `\r\n`) is not part of it. A last line
//! without an end is a record, and a byte order mark at the beginning of the
//! input is skipped. A line that is not UTF-8 or is longer than the limit is an
//! error of that line, and reading continues with the next.

use std::io::{self, Read};
use std::ops::Range;

use super::line::{Record, record, strip};
use super::raw_lines::Lines;
use crate::diagnostic::ReadError;

/// Reads the lines of a reader as records, one after the other, into one buffer.
///
/// ```
/// use kumiki_pipeline::Records;
///
/// let mut records = Records::new(&b"one\r\ntwo"[..], 1 << 20);
/// let mut lines = Vec::new();
/// while let Some(record) = records.next_record() {
///     let record = record?;
///     lines.push(format!("{}: {}", record.line, record.text));
/// }
/// assert_eq!(lines, ["1: one", "2: two"]);
/// # Ok::<(), kumiki_pipeline::ReadError>(())
/// ```
#[derive(Debug)]
pub struct Records<R> {
    reader: R,
    /// Bytes from the input, up to `filled`.
    buffer: Vec<u8>,
    filled: usize,
    /// Start of the next line in the buffer.
    start: usize,
    /// End of that line, if the buffer holds all of it.
    end: Option<usize>,
    /// Range of the line before it.
    last: Range<usize>,
    line: u64,
    bytes: u64,
    limit: usize,
    chunk: usize,
    failed: bool,
}

/// Bytes that are read at once. With 64 KiB a run of small records takes 4 to 8 %
/// longer, because threads wake each other more often.
const CHUNK: usize = 256 * 1024;

impl<R: Read> Records<R> {
    /// Reads from `reader`, which needs no buffer of its own. Lines longer than
    /// `limit` bytes are skipped; memory use is about that limit.
    pub fn new(reader: R, limit: usize) -> Self {
        Self::with_chunk(reader, limit, CHUNK)
    }

    fn with_chunk(reader: R, limit: usize, chunk: usize) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            filled: 0,
            start: 0,
            end: None,
            last: 0..0,
            line: 0,
            bytes: 0,
            limit,
            chunk,
            failed: false,
        }
    }

    /// Whether the next record needs a read from the input, which may block.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.end.is_none()
    }

    /// Bytes in the buffer that were not consumed.
    pub(crate) fn read_ahead(&self) -> usize {
        self.filled.saturating_sub(self.start)
    }

    /// Bytes of the input that were consumed, line ends included.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes
    }

    /// The bytes of the line that was read last, without its end, also when they
    /// are not UTF-8. Empty when the line was too long.
    #[must_use]
    pub fn last_line(&self) -> &[u8] {
        self.buffer.get(self.last.clone()).unwrap_or_default()
    }

    /// The next record, or the error of its line. `None` at the end of the input
    /// and after [`ReadError::Io`].
    pub fn next_record(&mut self) -> Option<Result<Record<'_>, ReadError>> {
        if self.failed {
            return None;
        }
        self.line += 1;
        self.last = 0..0;
        let line = self.line;
        match self.next_line() {
            Ok(Line::End) => return None,
            Ok(Line::Whole(range)) => self.last = range,
            Ok(Line::TooLong) => {
                let limit = self.limit;
                return Some(Err(ReadError::TooLong { line, limit }));
            }
            Err(source) => {
                self.failed = true;
                return Some(Err(ReadError::Io { line, source }));
            }
        }
        Some(record(self.last_line(), line))
    }

    /// Takes complete lines from the buffer without parsing them, so that another
    /// thread can do that: at most `lines` lines and `bytes` bytes, but at least
    /// one line. `None` when the next line needs a read from the input, which
    /// [`Records::next_record`] does.
    pub fn take_lines(&mut self, lines: usize, bytes: usize) -> Option<Lines> {
        let (first, before) = (self.end? - self.start, self.line);
        let rest = self.buffer.get(self.start..self.filled)?;
        let window = rest.get(..bytes.max(first)).unwrap_or(rest);
        let mut ends = memchr::memchr_iter(b'\n', window);
        let (mut count, mut last) = (ends.clone().count(), memchr::memrchr(b'\n', window));
        if count > lines.max(1) {
            count = lines.max(1);
            last = ends.nth(count - 1);
        }
        let bytes = window.get(..=last?)?.to_owned();
        self.line += count as u64;
        self.bytes += bytes.len() as u64;
        self.start += bytes.len();
        self.look_ahead(self.start);
        Some(Lines {
            bytes,
            before,
            count: count as u64,
            limit: self.limit,
        })
    }

    /// The range of the next line in the buffer, without its end.
    fn next_line(&mut self) -> io::Result<Line> {
        let line = match self.end {
            Some(end) => self.start..end,
            None => match self.read_line()? {
                Line::Whole(line) => line,
                other => return Ok(other),
            },
        };
        self.bytes += line.len() as u64;
        self.start = line.end;
        self.look_ahead(self.start);
        let text = strip(&self.buffer, line, self.line);
        if text.len() > self.limit {
            self.shrink();
            return Ok(Line::TooLong);
        }
        Ok(Line::Whole(text))
    }

    /// Searches for the end of the line that begins at `start`, from `from` on.
    fn look_ahead(&mut self, from: usize) {
        let rest = self.buffer.get(from..self.filled).unwrap_or_default();
        self.end = memchr::memchr(b'\n', rest).map(|at| from + at + 1);
    }

    /// Reads until the buffer holds all of the next line.
    fn read_line(&mut self) -> io::Result<Line> {
        // The limit, a line end and a byte order mark.
        let most = self.limit.saturating_add(5);
        loop {
            let from = self.filled - self.start;
            if from > most {
                return self.skip_line();
            }
            if self.fill()? == 0 {
                return Ok(match self.filled - self.start {
                    0 => Line::End,
                    _ => Line::Whole(self.start..self.filled),
                });
            }
            self.look_ahead(self.start + from);
            if let Some(end) = self.end {
                return Ok(Line::Whole(self.start..end));
            }
        }
    }

    /// Reads more bytes after the start of the next line. Returns their number.
    fn fill(&mut self) -> io::Result<usize> {
        self.move_down();
        if self.buffer.len() - self.filled < self.chunk / 2 {
            let length = self.buffer.len().max(self.chunk / 2) * 2;
            self.buffer.resize(length, 0);
        }
        let read = loop {
            match self.reader.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.filled += read;
        Ok(read)
    }

    /// Skips a line that is too long. All bytes in the buffer are part of it.
    fn skip_line(&mut self) -> io::Result<Line> {
        loop {
            self.bytes += (self.filled - self.start) as u64;
            self.start = self.filled;
            if self.fill()? == 0 {
                break;
            }
            self.look_ahead(0);
            if let Some(end) = self.end {
                self.bytes += end as u64;
                self.start = end;
                self.look_ahead(end);
                break;
            }
        }
        self.shrink();
        Ok(Line::TooLong)
    }

    /// Moves the unread bytes to the start of the buffer.
    fn move_down(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.end = self.end.map(|end| end - self.start);
            self.start = 0;
        }
    }

    /// Releases the memory of a long line.
    fn shrink(&mut self) {
        self.move_down();
        self.buffer.truncate(self.filled.max(self.chunk));
        self.buffer.shrink_to_fit();
    }
}

/// A line, as a range of the buffer.
enum Line {
    Whole(Range<usize>),
    TooLong,
    End,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(record: Result<Record<'_>, ReadError>) -> String {
        match record {
            Ok(record) => format!("{}:{}", record.line, record.text),
            Err(error) => error.to_string(),
        }
    }

    /// Reads all records with a tiny buffer, so that lines cross its end.
    fn read(input: &[u8], limit: usize) -> Vec<String> {
        let mut records = Records::with_chunk(input, limit, 3);
        let mut lines = Vec::new();
        while let Some(record) = records.next_record() {
            lines.push(shown(record));
        }
        assert_eq!(records.bytes_read(), input.len() as u64);
        lines
    }

    #[test]
    fn lines_become_records() {
        let cases: [(&[u8], &[&str]); 12] = [
            (b"", &[]),
            (b"\n", &["1:"]),
            (b"a", &["1:a"]),
            (b"a\n", &["1:a"]),
            (b"a\r\n", &["1:a"]),
            (b"a\r", &["1:a\r"]),
            (b"a\n\nb", &["1:a", "2:", "3:b"]),
            (b"a\r\n\r\nb\r\n", &["1:a", "2:", "3:b"]),
            (b"\xef\xbb\xbfa\n\xef\xbb\xbfb", &["1:a", "2:\u{feff}b"]),
            ("木\n組".as_bytes(), &["1:木", "2:組"]),
            (
                b"a\nb\xffc\nd\n",
                &[
                    "1:a",
                    "line 2 is not UTF-8: invalid byte sequence at byte 2",
                    "3:d",
                ],
            ),
            (
                b"a\nb\xe6\x9c",
                &["1:a", "line 2 is not UTF-8: incomplete character at byte 2"],
            ),
        ];
        for (input, expected) in cases {
            assert_eq!(read(input, 100), expected, "{}", input.escape_ascii());
        }
    }

    #[test]
    fn long_lines_are_skipped() {
        for (input, expected) in [
            (
                "1234\n12345\n1\n",
                ["1:1234", "line 2 is longer than 4 bytes", "3:1"],
            ),
            (
                "1234\r\n12345\r\n1",
                ["1:1234", "line 2 is longer than 4 bytes", "3:1"],
            ),
            (
                "1\n1234567890\n1234",
                ["1:1", "line 2 is longer than 4 bytes", "3:1234"],
            ),
        ] {
            assert_eq!(read(input.as_bytes(), 4), expected);
        }
    }

    #[test]
    fn a_failed_read_ends_the_records() {
        struct Broken;
        impl io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("disk on fire"))
            }
        }
        let mut records = Records::new(Broken, 10);
        assert!(matches!(
            records.next_record(),
            Some(Err(ReadError::Io { line: 1, .. }))
        ));
        assert!(records.next_record().is_none());
    }

    #[test]
    fn reader_is_drained_if_the_buffer_has_no_complete_line() {
        let mut records = Records::new((&b"a\nb\nc"[..]).chain(&b"d\ne"[..]), 10);
        let mut found = Vec::new();
        loop {
            let next = match records.is_drained() {
                true => "waits",
                false => "is there",
            };
            found.push(next.to_owned());
            match records.next_record() {
                Some(record) => found.push(record.unwrap().text.to_owned()),
                None => break,
            }
        }
        let expected = [
            "waits", "a", "is there", "b", "waits", "cd", "waits", "e", "waits",
        ];
        assert_eq!(found, expected);
    }

    /// Reads all records through [`Records::take_lines`].
    fn read_later(input: &[u8], limit: usize, lines: usize, bytes: usize) -> Vec<String> {
        let mut records = Records::with_chunk(input, limit, 30);
        let mut found = Vec::new();
        loop {
            if let Some(taken) = records.take_lines(lines, bytes) {
                assert!(taken.count() <= lines as u64);
                found.extend(taken.iter().map(|(_, record)| shown(record)));
            } else if let Some(record) = records.next_record() {
                found.push(shown(record));
            } else {
                break;
            }
        }
        assert_eq!(records.bytes_read(), input.len() as u64);
        found
    }

    proptest! {
        /// Every line is returned once and in order.
        #[test]
        fn no_line_is_lost(lines in proptest::collection::vec("[^\n\r\u{feff}]*", 0..20)) {
            let input = lines.join("\n") + "\n";
            let expected: Vec<_> =
                if lines.is_empty() { vec!["1:".to_owned()] } else {
                    lines.iter().enumerate().map(|(i, l)| format!("{}:{l}", i + 1)).collect()
                };
            prop_assert_eq!(read(input.as_bytes(), 1 << 20), expected);
        }

        #[test]
        fn any_bytes_are_read(input in proptest::collection::vec(any::<u8>(), 0..300), limit in 0_usize..20) {
            read(&input, limit);
        }

        /// Splitting the whole input at its line ends gives the same records.
        #[test]
        fn records_equal_those_of_a_simple_reader(
            input in proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r'), Just(b'a')], 0..200),
            marked: bool,
            limit in 0_usize..20,
        ) {
            let input = [&b"\xef\xbb\xbf"[..usize::from(marked) * 3], &input].concat();
            let mut lines: Vec<_> = input.split_inclusive(|byte| *byte == b'\n').collect();
            if let Some(first) = lines.first_mut() {
                *first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
            }
            let expected = (1_u64..).zip(lines).map(|(number, line)| {
                let text = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
                match std::str::from_utf8(text) {
                    _ if text.len() > limit => format!("line {number} is longer than {limit} bytes"),
                    Ok(text) => format!("{number}:{text}"),
                    Err(_) => format!("line {number} is not UTF-8"),
                }
            });
            // The simple reader does not say where a line is not UTF-8.
            let short = |it: String| match it.split_once(" is not UTF-8: ") {
                Some((line, _)) => format!("{line} is not UTF-8"),
                None => it,
            };
            let found: Vec<_> = read(&input, limit).into_iter().map(short).collect();
            prop_assert_eq!(found, expected.collect::<Vec<_>>());
        }

        /// Lines that are taken and parsed later give the same records.
        #[test]
        fn taken_lines_give_the_same_records(
            input in "([ab\r\u{feff}木]{0,9}\n?|\n){0,30}",
            limit in 0_usize..20,
            lines in 1_usize..9,
            bytes in 1_usize..50,
        ) {
            let expected = read(input.as_bytes(), limit);
            prop_assert_eq!(read_later(input.as_bytes(), limit, lines, bytes), expected);
        }

        #[test]
        fn any_bytes_as_taken_lines_give_the_same_records(
            input in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n')], 0..300),
            limit in 0_usize..20,
        ) {
            prop_assert_eq!(read_later(&input, limit, 5, 99), read(&input, limit));
        }
    }
}
