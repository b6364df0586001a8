//! What a column of a row group unpacks to, looked at before it is unpacked.

use std::fs::File;

use bytesize::ByteSize;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;

use super::footer::{STATISTICS, shown};
use super::thrift::{Fields, Kind, Shape, Thrift};

/// How much of a page is read for its header: nearly always enough, and the most.
const HEADER: usize = 4 << 10;
const LONGEST_HEADER: usize = 1 << 20;

/// How many values there may be for each unpacked byte. Packing bits and runs
/// gives some, and a run without end gives millions.
const RATIO: usize = 64;

/// The encoding in which a value begins with a part of the one before, by its
/// number in Parquet's format: each may be nearly as long as the page.
const DELTA_BYTE_ARRAY: i32 = 7;

const LEVELS: Shape = &[
    (1, Kind::I32),
    (2, Kind::I32),
    (3, Kind::I32),
    (4, Kind::I32),
    (5, Kind::Struct(STATISTICS)),
];
const DICTIONARY: Shape = &[(1, Kind::I32), (2, Kind::I32), (3, Kind::Bool)];
const LEVELS_V2: Shape = &[
    (1, Kind::I32),
    (2, Kind::I32),
    (3, Kind::I32),
    (4, Kind::I32),
    (5, Kind::I32),
    (6, Kind::I32),
    (7, Kind::Bool),
    (8, Kind::Struct(STATISTICS)),
];
const PAGE: Shape = &[
    (1, Kind::I32),
    (2, Kind::I32),
    (3, Kind::I32),
    (4, Kind::I32),
    (5, Kind::Struct(LEVELS)),
    (6, Kind::Struct(&[])),
    (7, Kind::Struct(DICTIONARY)),
    (8, Kind::Struct(LEVELS_V2)),
];

/// What the pages of one column come to.
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
    /// Whether it is of no use, and passed over.
    is_index: bool,
    packed: usize,
    unpacked: usize,
    values: usize,
    /// Whether values repeat parts of those before.
    is_delta: bool,
    /// Bytes of the header itself.
    length: usize,
}

impl Pages {
    /// Looks at all pages. None may unpack to more than `most` bytes.
    ///
    /// # Errors
    /// What is wrong, or too large.
    pub(super) fn of(
        file: &File,
        column: &ColumnChunkMetaData,
        most: usize,
    ) -> Result<Self, String> {
        let (start, length) = column.byte_range();
        let name = || shown(column.column_path().string().as_bytes());
        let mut pages = Self::default();
        let mut at = 0;
        while at < length {
            let mut header = read(file, start + at, length - at)
                .ok_or_else(|| format!("a page of column `{}` is broken", name()))?;
            // A page that is not packed is as long as it is, whatever it says.
            header.unpacked = header.unpacked.max(header.packed);
            if header.unpacked > most {
                let (name, found, most) = (name(), size(header.unpacked), size(most));
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
        if page.is_index {
            return;
        }
        self.bytes = self.bytes.saturating_add(page.unpacked);
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
    let (mut fields, mut header) = (Fields::of(PAGE), Header::default());
    let (mut kind, mut packed, mut unpacked, mut described) = (None, None, None, None);
    while let Some((id, what)) = thrift.field(&mut fields)? {
        match (id, what) {
            (1, _) => kind = Some(thrift.i32()?),
            (2, _) => unpacked = Some(usize::try_from(thrift.i32()?).ok()?),
            (3, _) => packed = Some(usize::try_from(thrift.i32()?).ok()?),
            (5..=8, Kind::Struct(shape)) => {
                // What describes a page twice may describe it in two ways.
                if described.replace(id).is_some() {
                    return None;
                }
                let (values, encoding) = values(&mut thrift, shape, if id == 8 { 4 } else { 2 })?;
                header.values = values;
                header.is_delta = encoding == Some(DELTA_BYTE_ARRAY) && id != 7;
            }
            _ => thrift.pass(what)?,
        }
    }
    // A page of data, an index, a dictionary, or a page of data of the second kind.
    let expected = match kind? {
        0 => Some(5),
        1 => described.filter(|id| *id == 6),
        2 => Some(7),
        3 => Some(8),
        _ => return None,
    };
    if described != expected {
        return None;
    }
    header.is_dictionary = kind == Some(2);
    header.is_index = kind == Some(1);
    (header.packed, header.unpacked) = (packed?, unpacked?);
    header.length = thrift.position();
    Some(header)
}

/// How many values the header of a page says, and their encoding. `encoding` is the
/// number of that field.
fn values(thrift: &mut Thrift<'_>, shape: Shape, encoding: i16) -> Option<(usize, Option<i32>)> {
    let (mut fields, mut values, mut found) = (Fields::of(shape), None, None);
    while let Some((id, kind)) = thrift.field(&mut fields)? {
        match id {
            1 => values = Some(usize::try_from(thrift.i32()?).ok()?),
            id if id == encoding => found = Some(thrift.i32()?),
            _ => thrift.pass(kind)?,
        }
    }
    // An index has neither.
    match shape {
        [] => Some((0, None)),
        _ => Some((values?, Some(found?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let page = Header {
            is_dictionary: false,
            is_index: false,
            packed: 5,
            unpacked: 1000,
            values: 7,
            is_delta: false,
            length: 14,
        };
        // The kind, both sizes, and the structure with the number of values.
        let bytes = [
            0x15, 0, 0x15, 0xd0, 0x0f, 0x15, 10, 0x2c, 0x15, 14, 0x15, 0, 0, 0,
        ];
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
