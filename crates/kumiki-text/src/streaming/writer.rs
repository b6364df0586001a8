//! The output of a whole text.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use kumiki::{Limit, Limits};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::fault::{Cause, Fault};
use super::utf8::Utf8Checker;

/// The bytes of output that need no input, under [`Limits::stream_growth`].
const FREE: u64 = 64 << 10;

/// A writer of a text, which must be UTF-8 and within its limits.
pub(super) struct CheckedWriter<W> {
    writer: W,
    checker: Utf8Checker,
    size: OutputSize,
    fault: Fault,
}

/// Limits the size of an output.
pub(super) struct OutputSize {
    written: u64,
    /// The bytes of input so far.
    read: Arc<AtomicU64>,
    most: Option<u64>,
    growth: Option<u64>,
}

impl OutputSize {
    pub(super) fn new(limits: &Limits, read: Arc<AtomicU64>) -> Self {
        Self {
            written: 0,
            read,
            most: limits.stream_output,
            growth: limits.stream_growth,
        }
    }

    /// Checks that this many bytes more may be written.
    fn check(&self, bytes: usize) -> Result<(), Limit> {
        let written = self.written.saturating_add(bytes as u64);
        if let Some(most) = self.most
            && written > most
        {
            return Err(Limit::StreamOutput(most));
        }
        if let Some(growth) = self.growth {
            let read = self.read.load(Ordering::Relaxed);
            if written > read.saturating_mul(growth).saturating_add(FREE) {
                return Err(Limit::StreamGrowth(growth));
            }
        }
        Ok(())
    }
}

impl<W> CheckedWriter<W> {
    pub(super) fn new(writer: W, size: OutputSize, fault: Fault) -> Self {
        Self {
            writer,
            checker: Utf8Checker::default(),
            size,
            fault,
        }
    }

    /// Checks bytes that are to be written. Returns the state after them.
    fn check(&self, bytes: &[u8]) -> io::Result<Utf8Checker> {
        self.size
            .check(bytes.len())
            .map_err(|limit| self.fault.set(Cause::OutputLimit(limit)))?;
        let mut checker = self.checker;
        checker
            .check(bytes)
            .map_err(|at| self.fault.set(Cause::OutputText(at)))?;
        Ok(checker)
    }

    fn failed(&self, error: io::Error) -> io::Error {
        self.fault.set(Cause::Output(error))
    }

    /// Checks the end of the text. Returns its length in bytes.
    fn length(&self) -> Result<usize, Cause> {
        let bytes = self.checker.end().map_err(Cause::OutputText)?;
        Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
    }
}

impl<W: Write> CheckedWriter<W> {
    /// Ends the text; returns the writer and the number of bytes written.
    pub(super) fn end(mut self) -> Result<(W, usize), Cause> {
        let length = self.length()?;
        self.writer.flush().map_err(Cause::Output)?;
        Ok((self.writer, length))
    }
}

impl<W: AsyncWrite + Unpin> CheckedWriter<W> {
    /// As [`CheckedWriter::end`].
    pub(super) async fn end_async(mut self) -> Result<(W, usize), Cause> {
        let length = self.length()?;
        self.writer.flush().await.map_err(Cause::Output)?;
        Ok((self.writer, length))
    }
}

impl<W: Write> Write for CheckedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.checker = self.check(bytes)?;
        let written = self.writer.write_all(bytes);
        written.map_err(|error| self.failed(error))?;
        self.size.written += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for CheckedWriter<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let all = self.check(bytes)?;
        let written = ready!(Pin::new(&mut self.writer).poll_write(context, bytes));
        let written = written.map_err(|error| self.failed(error))?;
        self.checker = match written == bytes.len() {
            true => all,
            false => self.check(&bytes[..written])?,
        };
        self.size.written += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_limited_by_its_size_and_by_the_size_of_the_input() {
        for (most, growth, read, written, allowed) in [
            (None, None, 0, u64::MAX, true),
            (Some(10), None, 0, 10, true),
            (Some(10), None, 0, 11, false),
            (None, Some(2), 0, FREE, true),
            (None, Some(2), 0, FREE + 1, false),
            (None, Some(2), 10, FREE + 20, true),
            (None, Some(2), 10, FREE + 21, false),
            (None, Some(u64::MAX), 10, u64::MAX, true),
        ] {
            let size = OutputSize {
                written: written - 1,
                read: Arc::new(AtomicU64::new(read)),
                most,
                growth,
            };
            assert_eq!(
                size.check(1).is_ok(),
                allowed,
                "{most:?} {growth:?} {read} {written}"
            );
        }
    }
}
