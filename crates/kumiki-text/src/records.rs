//! Lines of text as records, read with bounded memory from anything.
//!
//! A record is one line. Its end (`\n` or `\r\n`) is not part of it; a last
//! line without an end is a record all the same, and a byte order mark at the
//! very beginning is none. A line that is no UTF-8, or longer than allowed, is
//! an error of that line: reading goes on with the next.

use std::io::{self, BufRead, BufReader, Read};

/// One record and where it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The line's number, from 1.
    pub line: u64,
    /// The line without its end.
    pub text: &'a str,
}

/// Why a line gave no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The line is not UTF-8. Reading goes on with the next.
    #[error("line {line} is not UTF-8: {} at its byte {column}", describe(*.truncated))]
    NotUtf8 {
        /// The line's number, from 1.
        line: u64,
        /// The first byte that does not fit, from 1.
        column: usize,
        /// Whether the input ends in the middle of a character there.
        truncated: bool,
    },
    /// The line is longer than allowed. Reading goes on with the next.
    #[error("line {line} is longer than {limit} bytes")]
    TooLong {
        /// The line's number, from 1.
        line: u64,
        /// What is allowed, in bytes.
        limit: usize,
    },
    /// The input could not be read any further.
    #[error("cannot read line {line}")]
    Io {
        /// The number of the line that was to be read, from 1.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
}

fn describe(truncated: bool) -> &'static str {
    if truncated {
        "it ends in the middle of a character"
    } else {
        "there is an invalid sequence"
    }
}

impl ReadError {
    /// The number of the line, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        match self {
            Self::NotUtf8 { line, .. } | Self::TooLong { line, .. } | Self::Io { line, .. } => {
                *line
            }
        }
    }
}

/// Reads records from `reader`, one after the other, into one buffer.
///
/// ```
/// use kumiki_text::Records;
///
/// let mut records = Records::new(&b"one\r\ntwo"[..], 1 << 20);
/// let mut lines = Vec::new();
/// while let Some(record) = records.next_record() {
///     let record = record?;
///     lines.push(format!("{}: {}", record.line, record.text));
/// }
/// assert_eq!(lines, ["1: one", "2: two"]);
/// # Ok::<(), kumiki_text::ReadError>(())
/// ```
#[derive(Debug)]
pub struct Records<R> {
    reader: BufReader<R>,
    buffer: Vec<u8>,
    line: u64,
    bytes: u64,
    limit: usize,
    failed: bool,
}

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

impl<R: Read> Records<R> {
    /// Starts at the beginning of `reader`, which needs no buffer of its own. A
    /// line may have `limit` bytes, which is what the memory comes to; longer
    /// ones are passed over.
    pub fn new(reader: R, limit: usize) -> Self {
        Self::with_chunk(reader, limit, CHUNK)
    }

    fn with_chunk(reader: R, limit: usize, chunk: usize) -> Self {
        let reader = BufReader::with_capacity(chunk, reader);
        Self {
            reader,
            buffer: Vec::new(),
            line: 0,
            bytes: 0,
            limit,
            failed: false,
        }
    }

    /// Whether the next record needs reading, which may wait: the moment to
    /// write out what came of the earlier ones.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.reader.buffer().is_empty()
    }

    /// How many bytes of the input have been read, line ends included.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes
    }

    /// The line that was read last as its bytes, without its end: what is there
    /// of one that is not UTF-8. Of one that is too long there is nothing.
    #[must_use]
    pub fn last_line(&self) -> &[u8] {
        strip(&self.buffer, self.line)
    }

    /// The next record, or why there is none in its place; `None` at the end,
    /// and after [`ReadError::Io`].
    pub fn next_record(&mut self) -> Option<Result<Record<'_>, ReadError>> {
        if self.failed {
            return None;
        }
        self.line += 1;
        let line = self.line;
        let whole = match self.read_line() {
            Ok(Line::End) => return None,
            Ok(Line::Whole) => true,
            Ok(Line::TooLong) => false,
            Err(source) => {
                self.failed = true;
                return Some(Err(ReadError::Io { line, source }));
            }
        };
        if !whole {
            return Some(Err(ReadError::TooLong {
                line,
                limit: self.limit,
            }));
        }
        Some(match std::str::from_utf8(strip(&self.buffer, line)) {
            Ok(text) => Ok(Record { line, text }),
            Err(error) => Err(ReadError::NotUtf8 {
                line,
                column: error.valid_up_to() + 1,
                truncated: error.error_len().is_none(),
            }),
        })
    }

    /// Reads up to and with the next line end into the buffer, or passes over
    /// it when it is too long.
    fn read_line(&mut self) -> io::Result<Line> {
        self.buffer.clear();
        let (mut any, mut fits) = (false, true);
        // The line's end does not count against the limit.
        let room = self.limit.saturating_add(2);
        loop {
            let chunk = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                break;
            }
            any = true;
            let (taken, ended) = match memchr::memchr(b'\n', chunk) {
                Some(at) => (at + 1, true),
                None => (chunk.len(), false),
            };
            fits &= self.buffer.len() + taken <= room;
            if fits {
                self.buffer.extend_from_slice(&chunk[..taken]);
            }
            self.reader.consume(taken);
            self.bytes += taken as u64;
            if ended {
                break;
            }
        }
        Ok(
            match (
                any,
                fits && strip(&self.buffer, self.line).len() <= self.limit,
            ) {
                (false, _) => Line::End,
                (true, true) => Line::Whole,
                (true, false) => {
                    // A huge line must not keep its memory for the rest of the run.
                    self.buffer = Vec::new();
                    Line::TooLong
                }
            },
        )
    }
}

enum Line {
    Whole,
    TooLong,
    End,
}

/// A line without its end, and the first one without a byte order mark.
fn strip(bytes: &[u8], line: u64) -> &[u8] {
    let bytes = match bytes {
        [text @ .., b'\r', b'\n'] | [text @ .., b'\n'] => text,
        text => text,
    };
    match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(text) if line == 1 => text,
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads everything through a tiny buffer, so that lines cross its border.
    fn read(input: &[u8], limit: usize) -> Vec<String> {
        let mut records = Records::with_chunk(input, limit, 3);
        let mut lines = Vec::new();
        while let Some(record) = records.next_record() {
            lines.push(match record {
                Ok(record) => format!("{}:{}", record.line, record.text),
                Err(error) => error.to_string(),
            });
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
                    "line 2 is not UTF-8: there is an invalid sequence at its byte 2",
                    "3:d",
                ],
            ),
            (
                b"a\nb\xe6\x9c",
                &[
                    "1:a",
                    "line 2 is not UTF-8: it ends in the middle of a character at its byte 2",
                ],
            ),
        ];
        for (input, expected) in cases {
            assert_eq!(read(input, 100), expected, "{}", input.escape_ascii());
        }
    }

    #[test]
    fn long_lines_are_passed_over() {
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
    fn a_reader_that_fails_ends_the_records() {
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

    proptest! {
        /// Every line comes back, in order, none doubled, whatever the bytes.
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
    }
}
