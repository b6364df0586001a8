//! A stream that a guest writes, to an asynchronous writer.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tokio::sync::oneshot;
use wasmtime::component::{Source, StreamConsumer, StreamResult};
use wasmtime::{Result, StoreContextMut};

use super::returned::Returned;
use super::transfer::consume;
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
        store: StoreContextMut<'_, StoreData>,
        source: Source<'_, u8>,
        is_cancelled: bool,
    ) -> Poll<Result<StreamResult>> {
        consume(store, source, is_cancelled, |bytes| match self.0.get() {
            Some(writer) => Pin::new(writer).poll_write(context, bytes),
            None => Poll::Ready(Ok(bytes.len())),
        })
    }
}
