//! A stream that a guest writes, to an asynchronous writer.

use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;
use tokio::sync::oneshot;
use wasmtime::component::{Source, StreamConsumer, StreamResult};
use wasmtime::{AsContextMut as _, Result, StoreContextMut};

use super::CHUNK;
use super::returned::Returned;
use crate::StoreData;

/// As [`WriteStream`](crate::WriteStream), for an asynchronous writer: while it takes
/// nothing, the guest's write waits, and other calls of the instance go on. The receiver of
/// the writer flushes it.
pub struct AsyncWriteStream<W>(Returned<W>);

impl<W: AsyncWrite + Send + Unpin + 'static> AsyncWriteStream<W> {
    /// Creates a stream into `writer`. The receiver gets the writer when the guest ends the
    /// stream, or when the instance is dropped.
    pub fn new(writer: W) -> (Self, oneshot::Receiver<W>) {
        let (writer, at_end) = Returned::new(writer);
        (Self(writer), at_end)
    }
}

impl<W: AsyncWrite + Send + Unpin + 'static> StreamConsumer<StoreData> for AsyncWriteStream<W> {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'_, StoreData>,
        source: Source<'_, u8>,
        is_cancelled: bool,
    ) -> Poll<Result<StreamResult>> {
        store.data().check_total_time()?;
        let mut direct = source.as_direct(store.as_context_mut());
        let bytes = direct.remaining();
        let length = bytes.len().min(CHUNK);
        if length == 0 {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let written = match self.0.get() {
            Some(writer) => Pin::new(writer).poll_write(context, &bytes[..length]),
            None => Poll::Ready(Ok(length)),
        };
        if written.is_pending() && is_cancelled {
            return Poll::Ready(Ok(StreamResult::Cancelled));
        }
        let written = match ready!(written) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                return Poll::Ready(Ok(StreamResult::Dropped));
            }
            Ok(0) => return Poll::Ready(Err(std::io::Error::from(ErrorKind::WriteZero).into())),
            written => written?,
        };
        direct.mark_read(written);
        StoreData::made_progress(&mut store);
        Poll::Ready(Ok(StreamResult::Completed))
    }
}
