//! A buffer with a limit of bytes.

use std::io::{self, Write};

/// Bytes in memory, up to a limit. A write beyond the limit fails, and adds
/// nothing.
#[derive(Debug, Default)]
pub(crate) struct BoundedBuffer {
    pub(crate) bytes: Vec<u8>,
    /// The limit in bytes.
    pub(crate) limit: usize,
    /// Whether a write has failed.
    is_full: bool,
}

impl BoundedBuffer {
    /// An empty buffer for at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
            is_full: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether a write has failed since the last call.
    pub(crate) fn take_full(&mut self) -> bool {
        std::mem::take(&mut self.is_full)
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// When they are more than the limit allows.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.limit.saturating_sub(self.bytes.len()) {
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

impl Write for BoundedBuffer {
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
    fn write_over_the_limit_adds_nothing() {
        let mut out = BoundedBuffer::new(4);
        assert!(out.push(b"abc").is_ok());
        assert!(out.push(b"de").is_err());
        assert_eq!(out.bytes, b"abc");
        assert!(out.take_full());
        assert!(!out.take_full());
        assert!(out.push(b"d").is_ok());
        out.limit = 0;
        assert!(out.push(b"e").is_err());
        assert!(out.push(b"").is_ok());
    }
}
