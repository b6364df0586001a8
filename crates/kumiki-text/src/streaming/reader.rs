//! The input of a whole text.

use std::io::{self, ErrorKind, Read};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::fault::{Cause, Fault};
use super::utf8::Utf8Checker;

/// A reader of a text, which must be UTF-8.
pub(super) struct CheckedReader<R> {
    reader: Arc<Mutex<Option<R>>>,
    checker: Utf8Checker,
    bytes: Arc<AtomicU64>,
    fault: Fault,
}

/// Ends a reader with its call: a plugin need not drop its input, and an instance that
/// stays would keep it open.
pub(super) struct ReaderEnd<R>(Arc<Mutex<Option<R>>>);

impl<R> ReaderEnd<R> {
    /// Drops the reader.
    pub(super) fn end(self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl<R> CheckedReader<R> {
    /// Creates a reader, which counts its bytes in `bytes`.
    pub(super) fn new(reader: R, bytes: Arc<AtomicU64>, fault: Fault) -> (Self, ReaderEnd<R>) {
        let reader = Arc::new(Mutex::new(Some(reader)));
        let end = ReaderEnd(reader.clone());
        let reader = Self {
            reader,
            checker: Utf8Checker::default(),
            bytes,
            fault,
        };
        (reader, end)
    }

    /// Checks the next bytes, or the end of the text if there are none.
    fn check(&mut self, bytes: &[u8]) -> io::Result<()> {
        let checked = match bytes.is_empty() {
            true => self.checker.end().map(drop),
            false => self.checker.check(bytes),
        };
        let read = bytes.len() as u64;
        self.bytes.fetch_add(read, Ordering::Relaxed);
        checked.map_err(|error| {
            let error = io::Error::new(ErrorKind::InvalidData, error);
            self.fault.set(Cause::Input(error))
        })
    }

    fn failed(&self, error: io::Error) -> io::Error {
        match error.kind() {
            ErrorKind::Interrupted => error,
            _ => self.fault.set(Cause::Input(error)),
        }
    }
}

impl<R: Read> Read for CheckedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = {
            let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            reader.as_mut().map_or(Ok(0), |reader| reader.read(buffer))
        };
        let read = read.map_err(|error| self.failed(error))?;
        self.check(&buffer[..read])?;
        Ok(read)
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for CheckedReader<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = {
            let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            match reader.as_mut() {
                Some(reader) => Pin::new(reader).poll_read(context, buffer),
                None => Poll::Ready(Ok(())),
            }
        };
        ready!(read).map_err(|error| self.failed(error))?;
        Poll::Ready(self.check(&buffer.filled()[before..]))
    }
}
