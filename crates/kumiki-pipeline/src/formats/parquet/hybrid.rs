//! Parquet's encoding of levels and of references to a dictionary: runs of equal
//! numbers, and groups of eight packed numbers.

use super::bits::{MAX_WIDTH, packed, varint};

/// Reads numbers, run by run.
pub(super) struct Hybrid<'a> {
    bytes: &'a [u8],
    width: u32,
    /// What is left of the current run.
    run: Run<'a>,
}

enum Run<'a> {
    Equal {
        value: u32,
        left: usize,
    },
    Packed {
        bytes: &'a [u8],
        at: usize,
        count: usize,
    },
}

impl<'a> Hybrid<'a> {
    /// Numbers of `width` bits. `None` for numbers that are wider than 32 bits.
    pub(super) fn new(bytes: &'a [u8], width: u32) -> Option<Self> {
        (width <= MAX_WIDTH).then_some(Self {
            bytes,
            width,
            run: Run::Equal { value: 0, left: 0 },
        })
    }

    /// The next number, and how often it comes in a row: at least once, and at most
    /// `most` times. `None` at the end and for malformed bytes.
    pub(super) fn next(&mut self, most: usize) -> Option<(u32, usize)> {
        loop {
            match &mut self.run {
                Run::Equal { value, left } if *left > 0 => {
                    let count = most.min(*left);
                    *left -= count;
                    return Some((*value, count));
                }
                Run::Packed { bytes, at, count } if *at < *count => {
                    let value = packed(bytes, *at, self.width)?;
                    *at += 1;
                    return Some((value, 1));
                }
                Run::Equal { .. } | Run::Packed { .. } => self.run = self.next_run()?,
            }
        }
    }

    fn next_run(&mut self) -> Option<Run<'a>> {
        let (header, length) = varint(self.bytes)?;
        // The crate parquet takes a header of 0 for the end.
        if header == 0 {
            return None;
        }
        let rest = self.bytes.get(length..)?;
        // The crate parquet counts in 32 bits.
        let count = u32::try_from(header >> 1).ok()? as usize;
        if header & 1 == 0 {
            let length = self.width.div_ceil(8) as usize;
            let (value, rest) = rest.split_at_checked(length)?;
            let mut word = [0; 4];
            word[..length].copy_from_slice(value);
            self.bytes = rest;
            let (value, left) = (u32::from_le_bytes(word), count);
            return Some(Run::Equal { value, left });
        }
        // The last group may be cut short.
        let length = count.checked_mul(self.width as usize)?.min(rest.len());
        let (bytes, rest) = rest.split_at_checked(length)?;
        self.bytes = rest;
        let count = count.checked_mul(8)?;
        Some(Run::Packed {
            bytes,
            at: 0,
            count,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_and_packed_numbers() {
        // Three times 1, and then eight packed bits.
        let bytes = [6, 1, 3, 0b0000_0101];
        let mut numbers = Hybrid::new(&bytes, 1).unwrap();
        assert_eq!(numbers.next(2), Some((1, 2)));
        assert_eq!(numbers.next(2), Some((1, 1)));
        let packed: Vec<_> = (0..8).map(|_| numbers.next(9).unwrap()).collect();
        assert_eq!(packed[..4], [(1, 1), (0, 1), (1, 1), (0, 1)]);
        assert_eq!(numbers.next(1), None);
        let mut none = Hybrid::new(&[0, 6, 1], 1).unwrap();
        assert_eq!(none.next(1), None);
        assert!(Hybrid::new(&[], 33).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..50), width in 0_u32..33) {
            let mut numbers = Hybrid::new(&bytes, width).unwrap();
            let mut calls = 0;
            while let Some((_, count)) = numbers.next(usize::MAX) {
                prop_assert!(count > 0);
                calls += 1;
                // Packed numbers of no bits cost no bytes.
                if calls > 10_000 {
                    prop_assert_eq!(width, 0);
                    break;
                }
            }
        }
    }
}
