//! What is written into memory, and no more than may be.

use std::io::{self, Write};

/// Bytes in memory. What would make them too many is refused, and nothing of it
/// is added.
#[derive(Debug, Default)]
pub(crate) struct Bounded {
    pub(crate) bytes: Vec<u8>,
    /// The most that there may be.
    pub(crate) most: usize,
    /// Whether something was refused.
    is_full: bool,
}

impl Bounded {
    /// Nothing yet, and so many bytes at the most.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            bytes: Vec::new(),
            most,
            is_full: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether something was refused since it was asked last.
    pub(crate) fn was_full(&mut self) -> bool {
        std::mem::take(&mut self.is_full)
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// When they would be too many.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.most.saturating_sub(self.bytes.len()) {
            return Err(self.refuse());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    #[cold]
    fn refuse(&mut self) -> io::Error {
        self.is_full = true;
        io::ErrorKind::StorageFull.into()
    }
}

impl Write for Bounded {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.push(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_refused_whole() {
        let mut out = Bounded::new(4);
        assert!(out.push(b"abc").is_ok());
        assert!(out.push(b"de").is_err());
        assert_eq!(out.bytes, b"abc");
        assert!(out.was_full());
        assert!(!out.was_full());
        assert!(out.push(b"d").is_ok());
        out.most = 0;
        assert!(out.push(b"e").is_err());
        assert!(out.push(b"").is_ok());
    }
}
