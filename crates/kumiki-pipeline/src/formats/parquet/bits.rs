//! Numbers of a few bits each, packed without space between them.

/// The widest number that is read, in bits.
pub(super) const MAX_WIDTH: u32 = 32;

/// The number of `width` bits at index `index` of the numbers in `bytes`. `None`
/// where the bytes end before it.
pub(super) fn packed(bytes: &[u8], index: usize, width: u32) -> Option<u32> {
    if width == 0 {
        return Some(0);
    }
    let bit = index.checked_mul(width as usize)?;
    let (from, shift) = (bit / 8, bit % 8);
    let length = (shift + width as usize).div_ceil(8);
    // At most 7 bits before a number of 32 bits.
    let mut word = [0; 8];
    match bytes.get(from..from + 8) {
        Some(eight) => word.copy_from_slice(eight),
        None => word[..length].copy_from_slice(bytes.get(from..from + length)?),
    }
    let number = (u64::from_le_bytes(word) >> shift) & ((1 << width) - 1);
    u32::try_from(number).ok()
}

/// A number of seven bits in each byte, and the number of bytes that it takes.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unpacked() {
        let bytes = [0b1110_0100, 0xff, 0x01];
        let twos: Vec<_> = (0..4).map(|at| packed(&bytes, at, 2)).collect();
        assert_eq!(twos, [Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!(packed(&bytes, 1, 8), Some(0xff));
        assert_eq!(packed(&bytes, 0, 17), Some(0x1_ffe4));
        assert_eq!(packed(&bytes, 0, 24), Some(0x01_ffe4));
        assert_eq!(packed(&bytes, 1, 17), None);
        assert_eq!(packed(&bytes, 0, 32), None);
        assert_eq!(packed(&[], 7, 0), Some(0));
        let ones = [0xff; 12];
        assert_eq!(packed(&ones, 2, 31), Some(u32::MAX >> 1));
        assert_eq!(packed(&ones, 1, 32), Some(u32::MAX));
    }

    #[test]
    fn varints() {
        assert_eq!(varint(&[5, 9]), Some((5, 1)));
        assert_eq!(varint(&[0x80, 1]), Some((128, 2)));
        assert_eq!(varint(&[0x80]), None);
        assert_eq!(varint(&[0xff; 12]), None);
    }
}
