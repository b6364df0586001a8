//! The decompressed sizes of a column chunk, read before it is decompressed.

use std::fs::File;

use bytesize::ByteSize;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;

use super::thrift::{Fields, I32, STRUCT, Thrift};

/// Bytes that are read for the header of a page: at first, and at most.
const HEADER: usize = 4 << 10;
const LONGEST_HEADER: usize = 1 << 20;

/// The most values for each decompressed byte. Bit packing and run lengths give
/// some; a malicious run gives millions.
const RATIO: usize = 64;

/// The number of the encoding in which a value repeats a prefix of the one before:
/// each value may be nearly as long as the page.
const DELTA_BYTE_ARRAY: i32 = 7;

/// Totals over the pages of one column chunk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pages {
    /// Bytes of its dictionary.
    pub(super) dictionary: usize,
    /// Bytes of its largest page.
    pub(super) largest: usize,
    /// The most bytes of a value, averaged over any page.
    pub(super) value: usize,
    /// How many values there are.
    pub(super) values: usize,
    /// Bytes of all its pages.
    bytes: usize,
}

/// A page's header.
#[derive(Debug, Default, PartialEq, Eq)]
struct Header {
    is_dictionary: bool,
    packed: usize,
    unpacked: usize,
    values: usize,
    /// Whether values repeat parts of those before.
    is_delta: bool,
    /// Bytes of the header itself.
    length: usize,
}

impl Pages {
    /// Reads the headers of all pages. No page may decompress to more than `most`
    /// bytes.
    ///
    /// # Errors
    /// The fault of a page, or its size.
    pub(super) fn of(
        file: &File,
        column: &ColumnChunkMetaData,
        most: usize,
    ) -> Result<Self, String> {
        let (start, length) = column.byte_range();
        let name = column.column_path().string();
        let mut pages = Self::default();
        let mut at = 0;
        while at < length {
            let header = read(file, start + at, length - at)
                .ok_or_else(|| format!("a page of column `{name}` is broken"))?;
            if header.unpacked > most {
                let (found, most) = (size(header.unpacked), size(most));
                return Err(format!(
                    "a page of column `{name}` unpacks to {found}, over {most}; `--line-limit` raises that"
                ));
            }
            at += (header.length + header.packed) as u64;
            pages.add(&header);
        }
        Ok(pages)
    }

    fn add(&mut self, page: &Header) {
        self.bytes += page.unpacked;
        if page.is_dictionary {
            self.dictionary = self.dictionary.max(page.unpacked);
            return;
        }
        self.largest = self.largest.max(page.unpacked);
        let value = match page.is_delta {
            true => page.unpacked,
            false => page.unpacked.div_ceil(page.values.max(1)),
        };
        self.value = self.value.max(value);
        self.values = self.values.saturating_add(page.values);
    }

    /// How many values there are beside one for each of so many rows, where they
    /// are far more than any bytes could say.
    pub(super) fn unfolded(&self, rows: usize) -> usize {
        match self.values.saturating_sub(rows) {
            more if more > self.bytes.saturating_mul(RATIO) => more,
            _ => 0,
        }
    }
}

/// A number of bytes, for people.
pub(super) fn size(bytes: usize) -> String {
    ByteSize::b(bytes as u64).display().iec().to_string()
}

/// The header of a page at this place of the file, of which and of the page there
/// are so many bytes.
fn read(file: &File, at: u64, left: u64) -> Option<Header> {
    for length in [HEADER, LONGEST_HEADER] {
        let length = length.min(usize::try_from(left).ok()?);
        let bytes = file.get_bytes(at, length).ok()?;
        if let Some(header) = header(&bytes) {
            let whole = (header.length + header.packed) as u64 <= left;
            return whole.then_some(header);
        }
    }
    None
}

fn header(bytes: &[u8]) -> Option<Header> {
    let mut thrift = Thrift::new(bytes);
    let (mut fields, mut header) = (Fields::default(), Header::default());
    let mut seen = [false; 4];
    while let Some((id, kind)) = thrift.field(&mut fields)? {
        if let Ok(1..=3) = usize::try_from(id)
            && std::mem::replace(seen.get_mut(id as usize)?, true)
        {
            // What is said twice is heard by each in its own way.
            return None;
        }
        match (id, kind) {
            (1, I32) => header.is_dictionary = thrift.i32()? == 2,
            (2, I32) => header.unpacked = usize::try_from(thrift.i32()?).ok()?,
            (3, I32) => header.packed = usize::try_from(thrift.i32()?).ok()?,
            (5 | 8, STRUCT) => {
                let encoding = if id == 5 { 2 } else { 4 };
                let (values, is_delta) = values(&mut thrift, encoding)?;
                header.values = header.values.max(values);
                header.is_delta |= is_delta;
            }
            _ => thrift.skip(kind, false)?,
        }
    }
    header.length = thrift.position();
    seen.iter().skip(1).all(|seen| *seen).then_some(header)
}

/// How many values the header of a page with data says, and whether they repeat
/// parts of those before. `encoding` is the number of that field.
fn values(thrift: &mut Thrift<'_>, encoding: i16) -> Option<(usize, bool)> {
    let (mut fields, mut values, mut is_delta) = (Fields::default(), 0, false);
    while let Some((id, kind)) = thrift.field(&mut fields)? {
        match (id, kind) {
            (1, I32) => values = values.max(usize::try_from(thrift.i32()?).ok()?),
            (id, I32) if id == encoding => is_delta |= thrift.i32()? == DELTA_BYTE_ARRAY,
            _ => thrift.skip(kind, false)?,
        }
    }
    Some((values, is_delta))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let page = Header {
            is_dictionary: false,
            packed: 5,
            unpacked: 1000,
            values: 7,
            is_delta: false,
            length: 12,
        };
        // The kind, both sizes, and the structure with the number of values.
        let bytes = [0x15, 0, 0x15, 0xd0, 0x0f, 0x15, 10, 0x2c, 0x15, 14, 0, 0];
        assert_eq!(header(&bytes), Some(page));
        for length in 0..bytes.len() {
            assert_eq!(header(&bytes[..length]), None);
        }
        let delta = [
            0x15, 0, 0x15, 0xd0, 0x0f, 0x15, 10, 0x2c, 0x15, 14, 0x15, 14, 0, 0,
        ];
        let found = header(&delta).unwrap();
        assert!(found.is_delta);
        let mut pages = Pages::default();
        pages.add(&found);
        assert_eq!(pages.value, 1000, "each value may be as long as the page");
        let twice = [0x15, 0, 0x15, 2, 0x05, 4, 4, 0x15, 10, 0];
        assert_eq!(header(&twice), None, "one size is said twice");
        let negative = [0x15, 0, 0x15, 1, 0x15, 10, 0];
        assert_eq!(header(&negative), None);
    }

    #[test]
    fn values_out_of_nothing_are_counted() {
        let pages = Pages {
            values: 1_000_000,
            bytes: 100,
            ..Pages::default()
        };
        assert_eq!(pages.unfolded(1_000_000), 0);
        assert_eq!(pages.unfolded(10), 999_990);
        let pages = Pages {
            bytes: 100_000,
            ..pages
        };
        assert_eq!(pages.unfolded(10), 0);
    }
}
