//! A stream that a guest writes.

use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use wasmtime::component::{Source, StreamConsumer, StreamResult};
use wasmtime::{Result, StoreContextMut};

use super::returned::Returned;
use super::transfer::consume;
use crate::StoreData;

/// Writes what a guest writes to a writer: the consumer for `StreamReader::pipe`.
///
/// A write that blocks holds the thread, and with it the whole instance. An error of the
/// writer ends the call, and is the `source` of its [`Error::Trap`](crate::Error::Trap);
/// only after [`BrokenPipe`](std::io::ErrorKind::BrokenPipe), the guest sees that its stream
/// is no longer read.
pub struct WriteStream<W>(Returned<W>);

impl<W: Write + Send + Unpin + 'static> WriteStream<W> {
    /// Creates a stream into `writer`. The receiver gets the writer when the guest ends the
    /// stream, or when the instance is dropped.
    pub fn new(writer: W) -> (Self, oneshot::Receiver<W>) {
        let (writer, at_end) = Returned::new(writer);
        (Self(writer), at_end)
    }
}

impl<W: Write + Send + Unpin + 'static> StreamConsumer<StoreData> for WriteStream<W> {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<'_, StoreData>,
        source: Source<'_, u8>,
        is_cancelled: bool,
    ) -> Poll<Result<StreamResult>> {
        consume(store, source, is_cancelled, |bytes| {
            let written = self
                .0
                .get()
                .map_or(Ok(()), |writer| writer.write_all(bytes));
            Poll::Ready(written.map(|()| bytes.len()))
        })
    }
}
