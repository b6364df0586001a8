//! A stream that a guest reads, from an asynchronous reader.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};
use wasmtime::{Result, StoreContextMut};

use super::transfer::produce;
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
        store: StoreContextMut<'a, StoreData>,
        destination: Destination<'a, u8, VecBuffer<u8>>,
        is_cancelled: bool,
    ) -> Poll<Result<StreamResult>> {
        produce(store, destination, is_cancelled, |memory| {
            let mut buffer = ReadBuf::new(memory);
            ready!(Pin::new(&mut self.0).poll_read(context, &mut buffer))?;
            Poll::Ready(Ok(buffer.filled().len()))
        })
    }
}
