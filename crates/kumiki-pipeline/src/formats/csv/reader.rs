//! Rows of CSV with the bytes that they have in the file.
//!
//! csv-core finds the ends of fields and rows. The bytes are kept, so that a row
//! can be written again with one field changed and all others unchanged, quotes
//! included. A row that is too long, for example after a quote that is never
//! closed, is skipped in bounded memory.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::ops::Range;

use csv_core::ReadFieldResult;

use crate::diagnostic::{InvalidRecord, ReadError};

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads rows, including the header.
pub(crate) struct CsvReader<R> {
    reader: BufReader<Chain<Cursor<Vec<u8>>, R>>,
    parser: csv_core::Reader,
    delimiter: u8,
    /// The unquoted fields, which are not used.
    ignored: Vec<u8>,
    /// The bytes of the current row, from its first field on.
    raw: Vec<u8>,
    /// The end of each field in the row.
    ends: Vec<usize>,
    /// Number of fields of the row.
    fields: usize,
    /// Number of fields that a row should have. At most as many ends are kept.
    columns: usize,
    /// The number of the next line.
    line: u64,
    limit: usize,
    /// The byte after the row.
    end: Option<u8>,
    /// Whether the input ended inside of quotes.
    cut_short: bool,
    over: bool,
}

/// One row.
pub(super) struct CsvRow<'a> {
    /// The number of the line that the row begins in, from 1.
    pub(super) line: u64,
    /// The bytes of the row without its end. Empty when the row is too long.
    pub(super) raw: &'a [u8],
    /// The text of the row, or the reason why it is invalid.
    pub(super) text: Result<&'a str, InvalidRecord>,
    ends: &'a [usize],
    /// Whether the row has the expected number of fields, and all of them end.
    pub(super) is_complete: bool,
}

impl CsvRow<'_> {
    /// The range of a field in the row.
    pub(super) fn range(&self, field: usize) -> Option<Range<usize>> {
        let start = match field {
            0 => 0,
            // The delimiter is one byte.
            _ => self.ends.get(field - 1)? + 1,
        };
        Some(start..*self.ends.get(field)?)
    }
}

impl<R: Read> CsvReader<R> {
    /// Reads from `reader`. Rows may have up to `limit` bytes.
    ///
    /// # Errors
    /// When the first bytes cannot be read.
    pub(super) fn new(mut reader: R, delimiter: u8, limit: usize) -> io::Result<Self> {
        let mut first = Vec::with_capacity(BYTE_ORDER_MARK.len());
        let length = BYTE_ORDER_MARK.len() as u64;
        Read::by_ref(&mut reader)
            .take(length)
            .read_to_end(&mut first)?;
        if first == BYTE_ORDER_MARK {
            first.clear();
        }
        let mut parser = csv_core::ReaderBuilder::new();
        Ok(Self {
            reader: BufReader::with_capacity(CHUNK, Cursor::new(first).chain(reader)),
            parser: parser.delimiter(delimiter).build(),
            delimiter,
            ignored: vec![0; 4096],
            raw: Vec::new(),
            ends: Vec::new(),
            fields: 0,
            columns: usize::MAX,
            line: 1,
            limit,
            end: None,
            cut_short: false,
            over: false,
        })
    }

    /// Sets the number of fields of each further row, and the limit of its bytes.
    pub(super) fn expect(&mut self, columns: usize, limit: usize) {
        self.columns = columns;
        self.limit = limit;
    }

    /// Whether the row that was read last ended with a carriage return.
    pub(super) fn ended_with_carriage_return(&self) -> bool {
        self.end == Some(b'\r')
    }

    /// Whether the next row needs a read from the input, which may block.
    pub(super) fn is_drained(&self) -> bool {
        self.reader.buffer().is_empty()
    }

    /// The next row. `None` at the end of the input and after a failed read.
    pub(super) fn next_row(&mut self) -> Option<CsvRow<'_>> {
        if self.over {
            return None;
        }
        let (line, fits) = match self.read() {
            Ok(Some(read)) => read,
            Ok(None) => return None,
            Err(source) => {
                self.over = true;
                let line = self.line;
                return Some(CsvRow {
                    line,
                    raw: &[],
                    text: Err(InvalidRecord::Line(ReadError::Io { line, source })),
                    ends: &[],
                    is_complete: false,
                });
            }
        };
        let text = match fits {
            true => self.check(line),
            false => Err(InvalidRecord::Line(ReadError::TooLong {
                line,
                limit: self.limit,
            })),
        };
        Some(CsvRow {
            line,
            raw: &self.raw,
            text,
            ends: &self.ends,
            is_complete: self.fields == self.columns && !self.cut_short,
        })
    }

    /// Reads a row. Returns the line that it begins in, and whether its length is
    /// within the limit.
    fn read(&mut self) -> io::Result<Option<(u64, bool)>> {
        self.raw.clear();
        self.ends.clear();
        self.fields = 0;
        let (mut has_begun, mut fits, mut line) = (false, true, self.line);
        let mut in_field = false;
        loop {
            let chunk = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            let at_end = chunk.is_empty();
            let skipped = match in_field {
                false => plain_prefix(chunk, self.delimiter),
                true => 0,
            };
            let (result, length, _) = self.parser.read_field(&chunk[skipped..], &mut self.ignored);
            let length = skipped + length;
            in_field = !matches!(result, ReadFieldResult::Field { .. });
            let mut taken = chunk.get(..length).unwrap_or(chunk);
            self.line += line_ends(taken);
            if !has_begun {
                let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
                let (blank, rest) = taken.split_at(taken.iter().take_while(is_end).count());
                line += line_ends(blank);
                taken = rest;
                has_begun = !taken.is_empty();
            }
            // The row's end does not count.
            fits &= self.raw.len() + taken.len() <= self.limit.saturating_add(1);
            if fits {
                self.raw.extend_from_slice(taken);
            } else {
                // Release the memory of a long row.
                self.raw = Vec::new();
            }
            self.reader.consume(length);
            match result {
                ReadFieldResult::End => return Ok(None),
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                ReadFieldResult::Field { record_end } => {
                    self.fields += 1;
                    if fits && self.ends.len() < self.columns {
                        // The field is followed by a delimiter or the row's end.
                        self.ends.push(self.raw.len() - usize::from(!at_end));
                    }
                    if record_end {
                        self.end_row(at_end);
                        return Ok(Some((line, fits && self.raw.len() <= self.limit)));
                    }
                }
            }
        }
    }

    /// Removes the row's end.
    fn end_row(&mut self, at_end: bool) {
        self.cut_short = at_end && is_open(self.last_field());
        if at_end {
            return;
        }
        self.end = self.raw.pop();
        // Consume the second byte of the line end, if it is read: otherwise the next
        // row would seem to have begun.
        if self.end == Some(b'\r') && self.reader.buffer().first() == Some(&b'\n') {
            self.reader.consume(1);
            self.line += 1;
        }
    }

    fn last_field(&self) -> &[u8] {
        let start = match self.ends.len().checked_sub(2) {
            Some(before) => self.ends[before] + 1,
            None => 0,
        };
        self.raw.get(start..).unwrap_or_default()
    }

    /// The text of the row, if it is valid.
    fn check(&self, line: u64) -> Result<&str, InvalidRecord> {
        let reason = |reason: String| InvalidRecord::Malformed { line, reason };
        let text = std::str::from_utf8(&self.raw).map_err(|error| {
            InvalidRecord::Line(ReadError::NotUtf8 {
                line,
                column: error.valid_up_to() + 1,
                truncated: error.error_len().is_none(),
            })
        })?;
        if self.cut_short {
            return Err(reason("unclosed quote".to_owned()));
        }
        if self.columns != usize::MAX && self.fields != self.columns {
            let (fields, columns) = (self.fields, self.columns);
            return Err(reason(format!(
                "its number of fields is {fields}, but the header has {columns}"
            )));
        }
        Ok(text)
    }
}

/// Number of bytes of an unquoted field that the parser, which goes byte by byte,
/// need not see: all but the last, so that the field is not empty. Zero when the
/// last byte is a quote, because the field would seem to begin with it.
fn plain_prefix(chunk: &[u8], delimiter: u8) -> usize {
    let end = memchr::memchr3(delimiter, b'\r', b'\n', chunk);
    match end.and_then(|end| chunk.get(..end)) {
        Some(field @ [first, .., last]) if *first != b'"' && *last != b'"' => field.len() - 1,
        _ => 0,
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Whether a field begins with a quote that is never closed. Quotes inside of a
/// field come in pairs.
fn is_open(field: &[u8]) -> bool {
    let quotes = field.iter().filter(|byte| **byte == b'"').count();
    field.first() == Some(&b'"') && quotes % 2 == 1
}

/// The text of a field, without its quotes. Bytes after a closing quote belong to
/// the field, as in csv-core.
pub(super) fn unquote(field: &str) -> Cow<'_, str> {
    let Some(mut rest) = field.strip_prefix('"') else {
        return Cow::Borrowed(field);
    };
    let mut text = String::with_capacity(field.len());
    while let Some((before, after)) = rest.split_once('"') {
        text.push_str(before);
        rest = after;
        match after.strip_prefix('"') {
            Some(after) => {
                text.push('"');
                rest = after;
            }
            None => break,
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The line and fields of each row, or its error.
    fn read(input: &[u8], columns: usize, limit: usize) -> Vec<String> {
        let mut rows = CsvReader::new(input, b',', limit).unwrap();
        rows.expect(columns, limit);
        let mut found = Vec::new();
        while let Some(row) = rows.next_row() {
            found.push(match &row.text {
                Ok(text) => {
                    let fields = (0..columns).map(|at| unquote(&text[row.range(at).unwrap()]));
                    format!("{}:{}", row.line, fields.collect::<Vec<_>>().join("|"))
                }
                Err(error) => error.to_string(),
            });
        }
        found
    }

    #[test]
    fn rows_are_split_into_fields() {
        let cases: [(&[u8], &[&str]); 15] = [
            (b"", &[]),
            (b"\n\r\n\n", &[]),
            (b"a,b", &["1:a|b"]),
            (b"a,b\r\n\r\nc,d\r\n", &["1:a|b", "3:c|d"]),
            (b"a,b\rc,d\r", &["1:a|b", "1:c|d"]),
            (b"\n\na,\n,d", &["3:a|", "4:|d"]),
            (b"\xef\xbb\xbf\"a\",b", &["1:a|b"]),
            (
                b"\"a\n,\"\"b\"\"\r\n\",c\nd,e",
                &["1:a\n,\"b\"\r\n|c", "4:d|e"],
            ),
            (b"\"a\"b,c\"d\"\n", &["1:ab|c\"d\""]),
            (b"\"a\"b\"c,d", &["1:ab\"c|d"]),
            ("木,\"組\"\n".as_bytes(), &["1:木|組"]),
            (
                b"a\nb,c",
                &[
                    "line 1 is not a record: its number of fields is 1, but the header has 2",
                    "2:b|c",
                ],
            ),
            (
                b"a,b,c\nb,c",
                &[
                    "line 1 is not a record: its number of fields is 3, but the header has 2",
                    "2:b|c",
                ],
            ),
            (b"a,\"b\nc,d\n", &["line 1 is not a record: unclosed quote"]),
            (
                b"a,\xff\nc,d\n",
                &[
                    "line 1 is not UTF-8: invalid byte sequence at byte 3",
                    "2:c|d",
                ],
            ),
        ];
        for (input, expected) in cases {
            assert_eq!(read(input, 2, 99), expected, "{}", input.escape_ascii());
        }
    }

    #[test]
    fn long_rows_are_skipped() {
        let input = b"a,12345678\n\nc,d\n\"\n\n,\n\n\n\n\",\ne,1234567\r\nf,12345678";
        let expected = [
            "line 1 is longer than 9 bytes",
            "3:c|d",
            "line 4 is longer than 9 bytes",
            "11:e|1234567",
            "line 12 is longer than 9 bytes",
        ];
        assert_eq!(read(input, 2, 9), expected);
    }

    /// The fields that the crate csv finds in the same bytes.
    fn peer(input: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.has_headers(false).flexible(true).from_reader(input);
        let rows = reader.byte_records().map(|row| row.unwrap());
        rows.map(|row| row.iter().map(<[u8]>::to_vec).collect())
            .collect()
    }

    proptest! {
        /// Valid rows have the fields that the crate csv finds.
        #[test]
        fn fields_equal_those_of_the_crate_csv(input in "[ab\",\r\n木]{0,60}") {
            let mut rows = CsvReader::new(input.as_bytes(), b',', 1000).unwrap();
            let (mut found, mut open) = (Vec::new(), false);
            while let Some(row) = rows.next_row() {
                open |= row.text.is_err();
                let Ok(text) = row.text else { continue };
                let fields = (0..).map_while(|at| row.range(at));
                let fields = fields.map(|range| unquote(&text[range]).into_owned().into_bytes());
                found.push(fields.collect::<Vec<_>>());
            }
            let mut expected = peer(input.as_bytes());
            if open {
                expected.pop();
            }
            prop_assert_eq!(found, expected);
        }

        /// A row has the bytes of the input.
        #[test]
        fn rows_keep_their_bytes(rows in proptest::collection::vec("[ab,]{1,9}|\"[ab,\n]{0,5}\"", 0..9)) {
            let input = rows.join("\n");
            let mut reader = CsvReader::new(input.as_bytes(), b',', 1000).unwrap();
            let mut found = Vec::new();
            while let Some(row) = reader.next_row() {
                found.push(String::from_utf8(row.raw.to_vec()).unwrap());
            }
            prop_assert_eq!(found, rows);
        }

        #[test]
        fn any_bytes_are_read(input in proptest::collection::vec(any::<u8>(), 0..300), limit in 0_usize..20) {
            read(&input, 2, limit);
        }
    }
}
