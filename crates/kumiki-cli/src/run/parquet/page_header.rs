//! The header of a page: what the page says of itself before it is decoded.
//!
//! The crate parquet decodes a page in the same step in which it reads the
//! header, and has no limit for what that unfolds to. So the few fields that
//! tell are read here first, from Thrift's compact protocol.

use std::io::{self, Read};

/// Bytes that one header may have: statistics in it hold two values of a cell.
const HEADER: u64 = 1 << 20;
/// How deep values may lie in each other; a page header has three levels.
const DEPTH: u32 = 16;

/// What kind of page it is, by its number in Parquet's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageKind {
    Data,
    Dictionary,
    Other,
}

/// What a page says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub(super) kind: PageKind,
    /// Bytes of the header itself.
    pub(super) length: u64,
    /// Bytes of the page in the file, behind the header.
    pub(super) compressed: u64,
    /// Bytes that these unfold to.
    pub(super) uncompressed: u64,
    /// Values of a data page, nulls included; entries of a dictionary.
    pub(super) values: u64,
    /// The encoding of the values, by its number in Parquet's format.
    pub(super) encoding: i64,
    /// Bytes at the beginning of the page that are not compressed: the levels
    /// of a data page of version 2.
    pub(super) levels: u64,
}

impl PageHeader {
    /// Reads a header.
    ///
    /// # Errors
    /// When the bytes end early, are no header, or have a negative size.
    pub(super) fn read(input: impl Read) -> io::Result<Self> {
        let mut thrift = Thrift {
            input: input.take(HEADER),
        };
        let (mut kind, mut compressed, mut uncompressed) = (None, None, None);
        let (mut values, mut encoding, mut levels) = (0, 0, 0_u64);
        thrift.fields(|thrift, id, wire| match id {
            1 => Ok(kind = Some(thrift.number(wire)?)),
            2 => Ok(uncompressed = Some(thrift.size(wire)?)),
            3 => Ok(compressed = Some(thrift.size(wire)?)),
            // Of data pages, dictionaries, and data pages of version 2.
            5 | 7 | 8 if wire == STRUCT => thrift.fields(|thrift, field, wire| {
                match (id, field) {
                    (_, 1) => values = thrift.size(wire)?,
                    (5 | 7, 2) | (8, 4) => encoding = thrift.number(wire)?,
                    (8, 5 | 6) => levels = levels.saturating_add(thrift.size(wire)?),
                    _ => thrift.skip(wire, DEPTH)?,
                }
                Ok(())
            }),
            _ => thrift.skip(wire, DEPTH),
        })?;
        let missing = || fault("a page's header lacks its kind or size");
        Ok(Self {
            kind: match kind.ok_or_else(missing)? {
                0 | 3 => PageKind::Data,
                2 => PageKind::Dictionary,
                _ => PageKind::Other,
            },
            length: HEADER - thrift.input.limit(),
            compressed: compressed.ok_or_else(missing)?,
            uncompressed: uncompressed.ok_or_else(missing)?,
            values,
            encoding,
            levels,
        })
    }
}

fn fault(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

// The types of Thrift's compact protocol that matter here.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;

struct Thrift<R> {
    input: io::Take<R>,
}

impl<R: Read> Thrift<R> {
    /// Calls `field` for each field of a structure, with its number and type;
    /// that reads the field's value.
    fn fields(
        &mut self,
        mut field: impl FnMut(&mut Self, i64, u8) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut id = 0_i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            let step = i64::from(head >> 4);
            id = match step {
                0 => self.signed()?,
                _ => id.saturating_add(step),
            };
            field(self, id, head & 0x0f)?;
        }
    }

    fn skip(&mut self, wire: u8, depth: u32) -> io::Result<()> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(fault("a page's header is nested too deep"));
        };
        match wire {
            TRUE | FALSE => Ok(()),
            BYTE => self.byte().map(drop),
            I16 | I32 | I64 => self.unsigned().map(drop),
            DOUBLE => self.pass(8),
            BINARY => {
                let length = self.unsigned()?;
                self.pass(length)
            }
            LIST | SET => {
                let head = self.byte()?;
                let length = match head >> 4 {
                    15 => self.unsigned()?,
                    length => u64::from(length),
                };
                self.skip_all(head & 0x0f, length, depth)
            }
            MAP => match self.unsigned()? {
                0 => Ok(()),
                length => {
                    let types = self.byte()?;
                    for _ in 0..length {
                        self.element(types >> 4, depth)?;
                        self.element(types & 0x0f, depth)?;
                    }
                    Ok(())
                }
            },
            STRUCT => self.fields(|thrift, _, wire| thrift.skip(wire, depth)),
            _ => Err(fault("a page's header has a field of no known type")),
        }
    }

    fn skip_all(&mut self, wire: u8, length: u64, depth: u32) -> io::Result<()> {
        (0..length).try_for_each(|_| self.element(wire, depth))
    }

    /// A value in a list or map, where even a truth value has a byte: so that
    /// a length that lies comes to the end of the header.
    fn element(&mut self, wire: u8, depth: u32) -> io::Result<()> {
        match wire {
            TRUE | FALSE => self.byte().map(drop),
            _ => self.skip(wire, depth),
        }
    }

    fn size(&mut self, wire: u8) -> io::Result<u64> {
        u64::try_from(self.number(wire)?).map_err(|_| fault("a page has a negative size"))
    }

    fn number(&mut self, wire: u8) -> io::Result<i64> {
        match wire {
            I16 | I32 | I64 => self.signed(),
            _ => Err(fault("a page's header has no number in a number's place")),
        }
    }

    fn signed(&mut self) -> io::Result<i64> {
        let number = self.unsigned()?;
        Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    fn unsigned(&mut self) -> io::Result<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(fault("a page's header has a number of over 64 bits"))
    }

    fn pass(&mut self, length: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.input.by_ref().take(length), &mut io::sink())?;
        match passed == length {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Header of a data page: 3 values, encoding 8, with a field to skip.
    const DATA: &[u8] = &[
        0x15, 0, // kind: data
        0x15, 20, // uncompressed: 10
        0x15, 0x80, 0x02, // compressed: 128
        0x2c, // data page
        0x15, 6, // values: 3
        0x15, 16, // encoding: 8
        0x1c, 0x18, 2, b'a', b'b', 0, // a structure with two bytes in it
        0, 0,
    ];

    #[test]
    fn header_of_a_data_page() {
        let header = PageHeader {
            kind: PageKind::Data,
            length: DATA.len() as u64,
            compressed: 128,
            uncompressed: 10,
            values: 3,
            encoding: 8,
            levels: 0,
        };
        assert_eq!(PageHeader::read(DATA).unwrap(), header);
        let more = [DATA, b"what follows"].concat();
        assert_eq!(PageHeader::read(&*more).unwrap(), header);
        for length in 0..DATA.len() {
            assert!(PageHeader::read(&DATA[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn faulty_headers_are_refused() {
        let cases: [(&str, &[u8], &str); 7] = [
            ("nothing in it", &[0], "lacks its kind"),
            ("negative size", &[0x15, 0, 0x15, 1, 0], "negative"),
            ("text as kind", &[0x18, 1, b'x', 0], "no number"),
            ("unknown type", &[0x9f, 0], "no known type"),
            (
                "long number",
                &[
                    0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,
                ],
                "64 bits",
            ),
            (
                "deep lists",
                &[[0x99].as_slice(), &[0x19; 40]].concat(),
                "too deep",
            ),
            (
                "list that lies",
                &[0x99, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x0f],
                "",
            ),
        ];
        for (name, bytes, says) in cases {
            let error = PageHeader::read(bytes).unwrap_err();
            assert!(error.to_string().contains(says), "{name}: {error}");
        }
        // Endless, and never more read than a header may have.
        let endless = io::repeat(0x15);
        assert!(PageHeader::read(endless).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = PageHeader::read(&*bytes);
        }
    }
}
