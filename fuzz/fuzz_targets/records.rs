//! Reads any bytes as lines, in pieces of any size, and compares the result with a
//! simple reader that splits the whole input in memory.
//!
//! The first byte is the size of a piece, the second the maximum length of a line, and
//! the third the number of lines for `take_lines`, or 0 to read them one by one.

#![no_main]

use std::io::{self, Read};

use kumiki_pipeline::{ReadError, Record, Records};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [piece, limit, taken, input @ ..] = bytes else {
        return;
    };
    let limit = usize::from(*limit);
    let pieces = Pieces {
        rest: input,
        size: 1 + usize::from(*piece),
    };
    let mut records = Records::new(pieces, limit);
    let mut expected = (1..).zip(lines(input));
    loop {
        let later = match taken {
            0 => None,
            _ => records.take_lines(usize::from(*taken), usize::MAX),
        };
        if let Some(lines) = later {
            for (_, record) in lines.iter() {
                check(record, expected.next(), limit);
            }
        } else if let Some(record) = records.next_record() {
            check(record, expected.next(), limit);
        } else {
            break;
        }
    }
    assert!(expected.next().is_none(), "a line is lost");
    assert!(records.next_record().is_none());
    assert_eq!(records.bytes_read(), input.len() as u64);
});

/// Compares a record with the line of the simple reader.
fn check(record: Result<Record<'_>, ReadError>, line: Option<(u64, &[u8])>, limit: usize) {
    let (number, line) = line.expect("an additional line");
    let expected = match std::str::from_utf8(line) {
        _ if line.len() > limit => Err("too long"),
        Ok(text) => Ok(text),
        Err(_) => Err("not UTF-8"),
    };
    match record {
        Ok(record) => assert_eq!((record.line, Ok(record.text)), (number, expected)),
        Err(error) => {
            let kind = match error {
                ReadError::TooLong { .. } => "too long",
                ReadError::NotUtf8 { .. } => "not UTF-8",
                _ => "cannot be read",
            };
            assert_eq!((error.line(), Err(kind)), (number, expected));
        }
    }
}

/// The lines without their ends, the first without a byte order mark.
fn lines(input: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<_> = input.split(|byte| *byte == b'\n').collect();
    // The last piece has no end; if it is empty, it is not a line.
    let last = lines.pop().filter(|last| !last.is_empty());
    for line in &mut lines {
        *line = line.strip_suffix(b"\r").unwrap_or(line);
    }
    lines.extend(last);
    if let Some(first) = lines.first_mut() {
        *first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
    }
    lines
}

/// A reader that returns at most `size` bytes per call.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(self.size);
        self.rest.read(&mut buffer[..room])
    }
}
