//! The header of a page.

use parquet::basic::Encoding;

use super::shapes::{DATA, DATA_V2, DICTIONARY, PAGE};
use super::thrift::{Fields, Thrift};

/// The header of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub(super) content: PageContent,
    /// The size of the page in the file, and when it is decompressed.
    pub(super) packed: usize,
    pub(super) unpacked: usize,
    /// Number of bytes of the header itself.
    pub(super) length: usize,
}

/// The content of a page, as described by its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PageContent {
    /// An index, which is not read.
    Index,
    Dictionary {
        values: u32,
        encoding: Encoding,
        is_sorted: bool,
    },
    /// Values, after their levels.
    Data {
        values: u32,
        encoding: Encoding,
        definition: Encoding,
        repetition: Encoding,
    },
    /// Values, after their levels, which have these numbers of bytes and are not
    /// compressed.
    DataV2 {
        values: u32,
        nulls: u32,
        rows: u32,
        encoding: Encoding,
        definition: u32,
        repetition: u32,
        is_compressed: bool,
    },
}

impl PageHeader {
    /// The number of values.
    pub(super) fn values(&self) -> usize {
        match self.content {
            PageContent::Index => 0,
            PageContent::Dictionary { values, .. }
            | PageContent::Data { values, .. }
            | PageContent::DataV2 { values, .. } => values as usize,
        }
    }

    /// Reads a header at the beginning of `bytes`. `None` where it is malformed, or
    /// longer than the bytes.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut thrift = Thrift::new(bytes);
        let mut fields = Fields::of(PAGE);
        let (mut kind, mut packed, mut unpacked, mut content) = (None, None, None, None);
        while let Some((id, what)) = thrift.field(&mut fields)? {
            let found = match id {
                1 => {
                    kind = Some(thrift.i32()?);
                    continue;
                }
                2 => {
                    unpacked = Some(size(thrift.i32()?)?);
                    continue;
                }
                3 => {
                    packed = Some(size(thrift.i32()?)?);
                    continue;
                }
                5 => (0, data(&mut thrift)?),
                6 => {
                    thrift.check(what)?;
                    (1, PageContent::Index)
                }
                7 => (2, dictionary(&mut thrift)?),
                8 => (3, data_v2(&mut thrift)?),
                _ => {
                    thrift.check(what)?;
                    continue;
                }
            };
            // A page that is described twice may be described in two ways.
            if content.replace(found).is_some() {
                return None;
            }
        }
        // Some programs describe no index.
        let content = content.or_else(|| (kind == Some(1)).then_some((1, PageContent::Index)));
        let (described, content) = content?;
        (kind? == described).then_some(())?;
        Some(Self {
            content,
            packed: packed?,
            unpacked: unpacked?,
            length: thrift.position(),
        })
    }
}

fn size(number: i32) -> Option<usize> {
    usize::try_from(number).ok()
}

fn count(number: i32) -> Option<u32> {
    u32::try_from(number).ok()
}

/// An encoding by its number.
fn encoding(number: i32) -> Option<Encoding> {
    Some(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        4 =>
        {
            #[expect(deprecated, reason = "old files have levels in it")]
            Encoding::BIT_PACKED
        }
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return None,
    })
}

fn data(thrift: &mut Thrift<'_>) -> Option<PageContent> {
    let mut fields = Fields::of(DATA);
    let (mut values, mut of_values, mut definition, mut repetition) = (None, None, None, None);
    while let Some((id, kind)) = thrift.field(&mut fields)? {
        match id {
            1 => values = count(thrift.i32()?),
            2 => of_values = encoding(thrift.i32()?),
            3 => definition = encoding(thrift.i32()?),
            4 => repetition = encoding(thrift.i32()?),
            _ => thrift.check(kind)?,
        }
    }
    Some(PageContent::Data {
        values: values?,
        encoding: of_values?,
        definition: definition?,
        repetition: repetition?,
    })
}

fn dictionary(thrift: &mut Thrift<'_>) -> Option<PageContent> {
    let mut fields = Fields::of(DICTIONARY);
    let (mut values, mut of_values, mut is_sorted) = (None, None, false);
    while let Some((id, kind)) = thrift.field(&mut fields)? {
        match id {
            1 => values = count(thrift.i32()?),
            2 => of_values = encoding(thrift.i32()?),
            3 => is_sorted = fields.is_true(),
            _ => thrift.check(kind)?,
        }
    }
    Some(PageContent::Dictionary {
        values: values?,
        encoding: of_values?,
        is_sorted,
    })
}

fn data_v2(thrift: &mut Thrift<'_>) -> Option<PageContent> {
    let mut fields = Fields::of(DATA_V2);
    let (mut values, mut nulls, mut rows, mut of_values) = (None, None, None, None);
    let (mut definition, mut repetition, mut is_compressed) = (None, None, true);
    while let Some((id, kind)) = thrift.field(&mut fields)? {
        match id {
            1 => values = count(thrift.i32()?),
            2 => nulls = count(thrift.i32()?),
            3 => rows = count(thrift.i32()?),
            4 => of_values = encoding(thrift.i32()?),
            5 => definition = count(thrift.i32()?),
            6 => repetition = count(thrift.i32()?),
            7 => is_compressed = fields.is_true(),
            _ => thrift.check(kind)?,
        }
    }
    let (values, nulls) = (values?, nulls?);
    (nulls <= values).then_some(PageContent::DataV2 {
        values,
        nulls,
        rows: rows?,
        encoding: of_values?,
        definition: definition?,
        repetition: repetition?,
        is_compressed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind, both sizes, and the structure that describes values.
    const VALUES: [u8; 18] = [
        0x15, 0, 0x15, 0xd0, 0x0f, 0x15, 10, 0x2c, 0x15, 14, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0,
    ];

    #[test]
    fn values_are_described() {
        let header = PageHeader {
            content: PageContent::Data {
                values: 7,
                encoding: Encoding::PLAIN,
                definition: Encoding::RLE,
                repetition: Encoding::RLE,
            },
            packed: 5,
            unpacked: 1000,
            length: VALUES.len(),
        };
        assert_eq!(PageHeader::read(&VALUES), Some(header));
        for length in 0..VALUES.len() {
            assert_eq!(PageHeader::read(&VALUES[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn contradictions_are_rejected() {
        // A structure after that of the values: a dictionary.
        let two = [&VALUES[..17], &[0x2c, 0x15, 2, 0x15, 0, 0, 0]].concat();
        let mut dictionary = VALUES;
        dictionary[1] = 4;
        let mut long = VALUES;
        long[0] = 0x16;
        let mut unknown = VALUES;
        unknown[11] = 2;
        for (what, bytes) in [
            ("two structures", &two[..]),
            ("values in a dictionary", &dictionary),
            ("a kind of 64 bits", &long),
            ("an unknown encoding", &unknown),
            ("a size twice", &[0x15, 0, 0x15, 2, 0x05, 4, 4, 0x15, 10, 0]),
            ("a negative size", &[0x15, 2, 0x15, 1, 0x15, 10, 0]),
        ] {
            assert_eq!(PageHeader::read(bytes), None, "{what}");
        }
        let index = PageHeader::read(&[0x15, 2, 0x15, 2, 0x15, 10, 0]).unwrap();
        assert_eq!(index.content, PageContent::Index);
    }
}
