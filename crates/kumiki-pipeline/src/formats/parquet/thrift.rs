//! The part of Thrift's compact protocol that is needed to check a file before the
//! crate parquet reads it.

/// The deepest nesting of structures.
const MAX_DEPTH: usize = 32;

/// Types of fields, by their numbers in the protocol.
pub(super) const I32: u8 = 5;
pub(super) const LIST: u8 = 9;
pub(super) const STRUCT: u8 = 12;

/// Reads from bytes. `None` means that the bytes are incomplete or no Thrift.
pub(super) struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The position in the fields of a structure.
#[derive(Default)]
pub(super) struct Fields {
    id: i16,
}

impl<'a> Thrift<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Number of bytes that were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The number and type of the next field. The inner option is `None` at the end
    /// of the structure.
    pub(super) fn field(&mut self, fields: &mut Fields) -> Option<Option<(i16, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        fields.id = match byte >> 4 {
            0 => i16::try_from(self.signed()?).ok()?,
            more => fields.id.checked_add(i16::from(more))?,
        };
        Some(Some((fields.id, byte & 15)))
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        i32::try_from(self.signed()?).ok()
    }

    /// Number of elements of a list, and their type.
    pub(super) fn list(&mut self) -> Option<(usize, u8)> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => usize::try_from(self.unsigned()?).ok()?,
            count => usize::from(count),
        };
        Some((count, byte & 15))
    }

    /// Skips a value of this type. `in_list` says whether it is an element of a list.
    pub(super) fn skip(&mut self, kind: u8, in_list: bool) -> Option<()> {
        self.skip_within(kind, in_list, MAX_DEPTH)
    }

    fn skip_within(&mut self, kind: u8, in_list: bool, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            // The value of a boolean field is part of its type.
            1 | 2 if !in_list => Some(()),
            1..=3 => self.byte().map(drop),
            4..=6 => self.unsigned().map(drop),
            7 => self.advance(8),
            8 => {
                let length = usize::try_from(self.unsigned()?).ok()?;
                self.advance(length)
            }
            LIST | 10 => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.skip_within(kind, true, depth))
            }
            11 => {
                let count = self.unsigned()?;
                let kinds = if count > 0 { self.byte()? } else { 0 };
                (0..count).try_for_each(|_| {
                    self.skip_within(kinds >> 4, true, depth)?;
                    self.skip_within(kinds & 15, true, depth)
                })
            }
            STRUCT => {
                let mut fields = Fields::default();
                while let Some((_, kind)) = self.field(&mut fields)? {
                    self.skip_within(kind, false, depth)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn advance(&mut self, bytes: usize) -> Option<()> {
        let end = self.at.checked_add(bytes)?;
        (end <= self.bytes.len()).then(|| self.at = end)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_decoded() {
        for (bytes, number) in [
            (&[0][..], Some(0)),
            (&[1], Some(-1)),
            (&[2], Some(1)),
            (&[0xfe, 0xff, 0xff, 0xff, 0x0f], Some(i32::MAX)),
            (&[0xff, 0xff, 0xff, 0xff, 0x0f], Some(i32::MIN)),
            (&[0x80, 0x80, 0x80, 0x80, 0x10], None),
            (&[0x80], None),
            (&[0xff; 11], None),
        ] {
            assert_eq!(Thrift::new(bytes).i32(), number, "{bytes:?}");
        }
    }

    #[test]
    fn deep_and_long_values_are_refused() {
        let deep = [0x1c].repeat(100);
        assert_eq!(Thrift::new(&deep).skip(STRUCT, false), None);
        // A list that claims 2^32 booleans and has three.
        let long = [0xf1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1, 1];
        assert_eq!(Thrift::new(&long).skip(LIST, false), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_skipped(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0_u8..16) {
            let mut thrift = Thrift::new(&bytes);
            thrift.skip(kind, false);
            prop_assert!(thrift.position() <= bytes.len());
        }
    }
}
