//! The lengths of texts in Parquet's encoding of differences.
//!
//! A few bytes of it can claim billions of lengths, and each text may repeat a long
//! beginning of the text before it. So they are counted before the crate parquet
//! makes lists of them.

use super::bits::{MAX_WIDTH, packed, varint};

/// The bytes of all texts of a page, of which there are at most `most`. `None` for
/// malformed bytes.
///
/// There is a list of the lengths that each text has in common with the one before,
/// and a list of the lengths of the rest.
pub(super) fn texts(bytes: &[u8], most: usize) -> Option<usize> {
    let common = Lengths::read(bytes, most)?;
    let rest = Lengths::read(bytes.get(common.bytes..)?, most)?;
    (common.count == rest.count).then_some(())?;
    common.total.checked_add(rest.total)
}

/// A list of lengths.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) count: usize,
    /// All lengths together.
    pub(super) total: usize,
    /// Number of bytes that the list takes.
    pub(super) bytes: usize,
}

impl Lengths {
    /// Reads a list of at most `most` lengths. `None` for any other bytes.
    pub(super) fn read(bytes: &[u8], most: usize) -> Option<Self> {
        let mut reader = Reader { bytes, at: 0 };
        let block = usize::try_from(reader.varint()?).ok()?;
        let parts = usize::try_from(reader.varint()?).ok()?;
        let count = usize::try_from(reader.varint()?).ok()?;
        let first = reader.signed()?;
        let each = block.checked_div(parts)?;
        if count > most || each.checked_mul(parts)? != block || each == 0 || each % 32 != 0 {
            return None;
        }
        let mut lengths = Self {
            count,
            total: 0,
            bytes: reader.at,
        };
        if count == 0 {
            return Some(lengths);
        }
        let mut last = first;
        lengths.add(last)?;
        let mut left = count - 1;
        while left > 0 {
            let least = reader.signed()?;
            let widths = reader.take(parts)?;
            for width in widths.iter().take(left.div_ceil(each)) {
                let width = u32::from(*width);
                if width > MAX_WIDTH {
                    return None;
                }
                let part = reader.take(each.checked_mul(width as usize)? / 8)?;
                let values = each.min(left);
                for at in 0..values {
                    // The crate parquet adds in 32 bits.
                    let difference = packed(part, at, width)?.cast_signed();
                    last = last.wrapping_add(least).wrapping_add(difference);
                    lengths.add(last)?;
                }
                left -= values;
            }
        }
        lengths.bytes = reader.at;
        Some(lengths)
    }

    fn add(&mut self, length: i32) -> Option<()> {
        self.total = self.total.checked_add(usize::try_from(length).ok()?)?;
        Some(())
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn varint(&mut self) -> Option<u64> {
        let (value, length) = varint(self.bytes.get(self.at..)?)?;
        self.at += length;
        Some(value)
    }

    fn signed(&mut self) -> Option<i32> {
        let value = self.varint()?;
        let value = (value >> 1).cast_signed() ^ -(value & 1).cast_signed();
        i32::try_from(value).ok()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let bytes = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_added() {
        // Blocks of 128 in four parts, five lengths from 7 on; each is 2 more than
        // the one before.
        let bytes = [0x80, 1, 4, 5, 14, 4, 0, 0, 0, 0];
        let lengths = Lengths::read(&bytes, 5).unwrap();
        assert_eq!((lengths.count, lengths.total), (5, 7 + 9 + 11 + 13 + 15));
        assert_eq!(lengths.bytes, bytes.len());
        assert_eq!(Lengths::read(&bytes, 4), None);
        for length in 0..bytes.len() {
            assert_eq!(Lengths::read(&bytes[..length], 5), None, "{length} bytes");
        }
        // The differences lead below zero.
        assert_eq!(Lengths::read(&[0x80, 1, 4, 5, 14, 7, 0, 0, 0, 0], 5), None);
        // Billions of equal lengths in a block of their own.
        let many = [
            0x80, 0x80, 0x80, 0x80, 8, 1, 0xff, 0xff, 0xff, 0xff, 7, 2, 0, 0,
        ];
        assert_eq!(Lengths::read(&many, 1 << 20), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_rejected(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Some(lengths) = Lengths::read(&bytes, 1000) {
                prop_assert!(lengths.count <= 1000 && lengths.bytes <= bytes.len());
            }
        }
    }
}
