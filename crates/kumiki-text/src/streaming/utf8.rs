//! Checks that a text in pieces is UTF-8. A piece may end within a character.

use std::str;

// The standard library's took most of the time for text that is not ASCII.
use simdutf8::compat::from_utf8;

/// The state between two pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Utf8Checker {
    /// The start of a character that the last piece ended within.
    start: [u8; 4],
    /// How many bytes of it there are.
    length: usize,
    /// The number of valid bytes in the pieces so far.
    valid: u64,
}

/// A text that is not UTF-8: what [`Error::Input`](crate::Error::Input) contains in its
/// `source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not UTF-8 from byte {at} on")]
pub struct NotUtf8 {
    /// The number of valid bytes before the first that is not.
    pub at: u64,
}

impl Utf8Checker {
    /// Checks the next piece.
    pub(crate) fn check(&mut self, mut piece: &[u8]) -> Result<(), NotUtf8> {
        while self.length > 0 {
            let Some((first, rest)) = piece.split_first() else {
                return Ok(());
            };
            self.start[self.length] = *first;
            self.length += 1;
            piece = rest;
            match str::from_utf8(&self.start[..self.length]) {
                Ok(_) => {
                    self.valid += self.length as u64;
                    self.length = 0;
                }
                Err(error) if error.error_len().is_some() => return Err(self.not_utf8(0)),
                // There is more of it to come; no character has more than four bytes.
                Err(_) => {}
            }
        }
        match from_utf8(piece) {
            Ok(_) => self.valid += piece.len() as u64,
            Err(error) if error.error_len().is_some() => {
                return Err(self.not_utf8(error.valid_up_to()));
            }
            Err(error) => {
                let (valid, start) = piece.split_at(error.valid_up_to());
                self.valid += valid.len() as u64;
                self.start[..start.len()].copy_from_slice(start);
                self.length = start.len();
            }
        }
        Ok(())
    }

    /// Checks that the text does not end within a character. Returns its length in bytes.
    pub(crate) fn end(&self) -> Result<u64, NotUtf8> {
        match self.length {
            0 => Ok(self.valid),
            _ => Err(self.not_utf8(0)),
        }
    }

    fn not_utf8(&self, valid: usize) -> NotUtf8 {
        NotUtf8 {
            at: self.valid + valid as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Checks a text in pieces of this size.
    fn check(text: &[u8], size: usize) -> Result<(), NotUtf8> {
        let mut checker = Utf8Checker::default();
        text.chunks(size)
            .try_for_each(|piece| checker.check(piece))?;
        assert_eq!(checker.end()?, text.len() as u64);
        Ok(())
    }

    /// Checks a text at once.
    fn expected(text: &[u8]) -> Result<(), NotUtf8> {
        let at = |error: str::Utf8Error| error.valid_up_to() as u64;
        str::from_utf8(text)
            .map(drop)
            .map_err(|error| NotUtf8 { at: at(error) })
    }

    #[test]
    fn text_is_checked_across_pieces() {
        for text in [
            b"".as_slice(),
            "Gr\u{fc}\u{df}e \u{6728} \u{1f600}!".as_bytes(),
            b"a\xff",
            b"a\xe6\x9c",
            b"a\xe6\x9cb",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xc0\xaf",
        ] {
            for size in 1..=text.len().max(1) {
                assert_eq!(check(text, size), expected(text), "{text:?} by {size}");
            }
        }
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_result(
            text in prop::collection::vec(prop_oneof![any::<u8>(), 0x20_u8..0x80, 0x80_u8..0xc0], 0..40),
            size in 1_usize..9,
        ) {
            prop_assert_eq!(check(&text, size), expected(&text));
        }
    }
}
