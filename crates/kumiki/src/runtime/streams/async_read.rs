//! A stream that a guest reads, from an asynchronous reader.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};
use wasmtime::{AsContextMut as _, Result, StoreContextMut};

use super::CHUNK;
use crate::StoreData;

/// As [`ReadStream`](crate::ReadStream), for an asynchronous reader: while it has nothing
/// to read, the guest and other calls of the instance go on.
pub struct AsyncReadStream<R>(R);

impl<R: AsyncRead + Send + Unpin + 'static> AsyncReadStream<R> {
    /// Creates a stream of the bytes of `reader`.
    #[must_use]
    pub fn new(reader: R) -> Self {
        Self(reader)
    }
}

impl<R: AsyncRead + Send + Unpin + 'static> StreamProducer<StoreData> for AsyncReadStream<R> {
    type Item = u8;
    type Buffer = VecBuffer<u8>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, StoreData>,
        destination: Destination<'a, u8, VecBuffer<u8>>,
        is_cancelled: bool,
    ) -> Poll<Result<StreamResult>> {
        // A read of no bytes asks whether there are any.
        if destination.remaining(store.as_context_mut()) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        store.data().check_total_time()?;
        let mut direct = destination.as_direct(store.as_context_mut(), CHUNK);
        let memory = direct.remaining();
        let length = memory.len().min(CHUNK);
        let mut buffer = ReadBuf::new(&mut memory[..length]);
        let read = Pin::new(&mut self.0).poll_read(context, &mut buffer);
        if read.is_pending() && is_cancelled {
            return Poll::Ready(Ok(StreamResult::Cancelled));
        }
        ready!(read)?;
        let read = buffer.filled().len();
        direct.mark_written(read);
        StoreData::made_progress(&mut store);
        Poll::Ready(Ok(match read {
            0 => StreamResult::Dropped,
            _ => StreamResult::Completed,
        }))
    }
}
