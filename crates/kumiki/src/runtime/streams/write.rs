//! A stream that a guest writes.

use std::io::{ErrorKind, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use wasmtime::component::{Source, StreamConsumer, StreamResult};
use wasmtime::{AsContextMut as _, Result, StoreContextMut};

use super::CHUNK;
use super::returned::Returned;
use crate::StoreData;

/// Writes what a guest writes to a writer: the consumer for `StreamReader::pipe`.
///
/// A write that blocks holds the thread, and with it the whole instance. An error of the
/// writer ends the call, and is the `source` of its [`Error::Trap`](crate::Error::Trap);
/// only after [`BrokenPipe`](ErrorKind::BrokenPipe), the guest sees that nobody reads its
/// stream any more.
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
        mut store: StoreContextMut<'_, StoreData>,
        source: Source<'_, u8>,
        _: bool,
    ) -> Poll<Result<StreamResult>> {
        store.data().check_total_time()?;
        let mut direct = source.as_direct(store.as_context_mut());
        let bytes = direct.remaining();
        let length = bytes.len().min(CHUNK);
        if let Some(writer) = self.0.get() {
            match writer.write_all(&bytes[..length]) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                    return Poll::Ready(Ok(StreamResult::Dropped));
                }
                written => written?,
            }
        }
        direct.mark_read(length);
        if length > 0 {
            StoreData::made_progress(&mut store);
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}
