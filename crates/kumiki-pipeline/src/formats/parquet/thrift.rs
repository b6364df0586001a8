//! The part of Thrift's compact protocol that is needed to check a file before the
//! crate parquet reads it.
//!
//! The crate parquet reads the value of a known field without a look at the type
//! that is written before it. So a field of another type would be read in one way
//! here and in another way there. It is refused, as is a field that comes twice.

/// The deepest nesting of structures.
const MAX_DEPTH: usize = 32;
/// Maximum number of elements of all lists.
const MAX_ELEMENTS: usize = 8 << 20;

/// Types of fields and elements, by their numbers in the protocol.
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// The type of a field or an element.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List(&'static Kind),
    Struct(Shape),
}

/// The fields of a structure that have a meaning, by their numbers.
pub(super) type Shape = &'static [(i16, Kind)];

/// Reads from bytes. `None` means that the bytes are incomplete, are not Thrift, or
/// would be read in another way by the crate parquet.
pub(super) struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Number of elements of lists that may still come.
    elements: usize,
}

/// The position in the fields of a structure.
pub(super) struct Fields {
    shape: Shape,
    id: i16,
    /// The fields of the shape that were there, one bit each.
    seen: u32,
    /// The type of the last field, as it was written.
    written: u8,
}

impl Fields {
    pub(super) fn of(shape: Shape) -> Self {
        Self {
            shape,
            id: 0,
            seen: 0,
            written: 0,
        }
    }

    /// The value of the last field, a Boolean, which is encoded in its type.
    pub(super) fn is_true(&self) -> bool {
        self.written == 1
    }
}

impl Kind {
    /// Whether a field of this type is written with the number `written`.
    fn is_field(self, written: u8) -> bool {
        match self {
            Self::Bool => written == 1 || written == 2,
            _ => self.element() == written,
        }
    }

    /// The number of this type for elements of a list.
    fn element(self) -> u8 {
        match self {
            Self::Bool => 2,
            Self::I8 => 3,
            Self::I16 => 4,
            Self::I32 => 5,
            Self::I64 => 6,
            Self::Double => 7,
            Self::Binary => BINARY,
            Self::List(_) => LIST,
            Self::Struct(_) => STRUCT,
        }
    }
}

impl<'a> Thrift<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            elements: MAX_ELEMENTS,
        }
    }

    /// Number of bytes that were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The number and type of the next field that has a meaning. Others are skipped.
    /// The inner option is `None` at the end of the structure.
    pub(super) fn field(&mut self, fields: &mut Fields) -> Option<Option<(i16, Kind)>> {
        while let Some((id, written)) = self.any_field(&mut fields.id)? {
            let known = fields.shape.iter().position(|(known, _)| *known == id);
            let Some(known) = known else {
                self.skip(written)?;
                continue;
            };
            let (_, kind) = fields.shape[known];
            let bit = 1_u32.checked_shl(u32::try_from(known).ok()?)?;
            if !kind.is_field(written) || fields.seen & bit != 0 {
                return None;
            }
            fields.seen |= bit;
            fields.written = written;
            return Some(Some((id, kind)));
        }
        Some(None)
    }

    /// The number and type of the next field, or `None` at the end of the structure.
    fn any_field(&mut self, last: &mut i16) -> Option<Option<(i16, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *last = match byte >> 4 {
            0 => i16::try_from(self.signed()?).ok()?,
            more => last.checked_add(i16::from(more))?,
        };
        Some(Some((*last, byte & 15)))
    }

    /// Checks a value, and everything in it.
    pub(super) fn check(&mut self, kind: Kind) -> Option<()> {
        match kind {
            // The type of the field is its value.
            Kind::Bool => Some(()),
            Kind::I8 => self.byte().map(drop),
            Kind::I16 => i16::try_from(self.signed()?).ok().map(drop),
            Kind::I32 => self.i32().map(drop),
            Kind::I64 => self.signed().map(drop),
            Kind::Double => self.advance(8),
            Kind::Binary => self.binary().map(drop),
            Kind::List(element) => {
                let count = self.list(*element)?;
                (0..count).try_for_each(|_| self.check(*element))
            }
            Kind::Struct(shape) => {
                let mut fields = Fields::of(shape);
                while let Some((_, kind)) = self.field(&mut fields)? {
                    self.check(kind)?;
                }
                Some(())
            }
        }
    }

    /// A text or other bytes.
    pub(super) fn binary(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.unsigned()?).ok()?;
        let from = self.at;
        self.advance(length)?;
        self.bytes.get(from..self.at)
    }

    /// Number of elements of a list. They must have this type.
    pub(super) fn list(&mut self, kind: Kind) -> Option<usize> {
        match self.any_list()? {
            // Some programs write an empty list so.
            (0, 0) => Some(0),
            (count, found) if found == kind.element() => Some(count),
            _ => None,
        }
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        i32::try_from(self.signed()?).ok()
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.signed()
    }

    /// Number of elements of a list, and their type.
    fn any_list(&mut self) -> Option<(usize, u8)> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => usize::try_from(self.unsigned()?).ok()?,
            count => usize::from(count),
        };
        self.elements = self.elements.checked_sub(count)?;
        Some((count, byte & 15))
    }

    /// Skips the value of a field of this type.
    fn skip(&mut self, kind: u8) -> Option<()> {
        match kind {
            // The type of the field is its value.
            1 | 2 => Some(()),
            _ => self.skip_within(kind, MAX_DEPTH),
        }
    }

    /// Skips a value. Booleans in lists are refused: the crate parquet skips no byte
    /// for them, and other programs write one.
    fn skip_within(&mut self, kind: u8, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            3 => self.byte().map(drop),
            4..=6 => self.unsigned().map(drop),
            7 => self.advance(8),
            BINARY => self.binary().map(drop),
            LIST | 10 => {
                let (count, kind) = self.any_list()?;
                (0..count).try_for_each(|_| self.skip_within(kind, depth))
            }
            11 => {
                let count = usize::try_from(self.unsigned()?).ok()?;
                self.elements = self.elements.checked_sub(count)?;
                let kinds = if count > 0 { self.byte()? } else { 0 };
                (0..count).try_for_each(|_| {
                    self.skip_within(kinds >> 4, depth)?;
                    self.skip_within(kinds & 15, depth)
                })
            }
            STRUCT => {
                let mut id = 0;
                while let Some((_, kind)) = self.any_field(&mut id)? {
                    match kind {
                        1 | 2 => {}
                        _ => self.skip_within(kind, depth)?,
                    }
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
    fn deep_and_long_values_are_rejected() {
        let deep = [0x1c].repeat(100);
        assert_eq!(Thrift::new(&deep).skip(STRUCT), None);
        // More numbers than there are bytes.
        let long = [0xf3, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1, 1];
        assert_eq!(Thrift::new(&long).skip(LIST), None);
        for (what, bytes, kind) in [
            ("Booleans in a list", &[0x31, 1, 1, 1][..], LIST),
            ("Booleans in a map", &[1, 0x11, 1, 1], 11),
            ("an unknown type", &[], 13),
        ] {
            assert_eq!(Thrift::new(bytes).skip(kind), None, "{what}");
        }
    }

    #[test]
    fn fields_have_their_type_and_come_once() {
        const SHAPE: Shape = &[
            (1, Kind::I32),
            (2, Kind::Bool),
            (3, Kind::List(&Kind::I32)),
            (4, Kind::Struct(&[(1, Kind::I64)])),
        ];
        for (what, bytes, is_read) in [
            ("no field", &[0][..], true),
            ("a number", &[0x15, 2, 0], true),
            ("true", &[0x21, 0], true),
            ("false", &[0x22, 0], true),
            ("a list", &[0x39, 0x25, 2, 4, 0], true),
            ("an empty list without a type", &[0x39, 0, 0], true),
            ("a structure", &[0x4c, 0x16, 2, 0, 0], true),
            ("an unknown field", &[0x55, 2, 0], true),
            ("an i64 for an i32", &[0x16, 2, 0], false),
            ("an i16 for an i32", &[0x14, 2, 0], false),
            ("a Boolean for an i32", &[0x11, 0], false),
            ("a number twice", &[0x15, 2, 0x05, 2, 2, 0], false),
            ("a set for a list", &[0x3a, 0x25, 2, 4, 0], false),
            ("a list of i64", &[0x39, 0x26, 2, 4, 0], false),
            ("an i32 in the structure", &[0x4c, 0x15, 2, 0, 0], false),
            ("an end with a number", &[0x15, 2, 0x10], false),
            ("a field of type 13", &[0x5d, 0, 0], false),
        ] {
            let checked = Thrift::new(bytes).check(Kind::Struct(SHAPE));
            assert_eq!(checked.is_some(), is_read, "{what}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_skipped(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0_u8..16) {
            let mut thrift = Thrift::new(&bytes);
            thrift.skip(kind);
            prop_assert!(thrift.position() <= bytes.len());
        }
    }
}
