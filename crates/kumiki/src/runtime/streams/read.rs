//! A stream that a guest reads.

use std::io::{ErrorKind, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};
use wasmtime::{Result, StoreContextMut};

use super::transfer::produce;
use crate::StoreData;

/// Lets a guest read from a reader: the producer of a `StreamReader`. The stream ends
/// when the reader does.
///
/// A read that blocks holds the thread, and with it the whole instance; the time limit of
/// the call is checked when it returns. An error of the reader ends the call, and is the
/// `source` of its [`Error::Trap`](crate::Error::Trap).
pub struct ReadStream<R>(R);

impl<R: Read + Send + Unpin + 'static> ReadStream<R> {
    /// Creates a stream of the bytes of `reader`.
    #[must_use]
    pub fn new(reader: R) -> Self {
        Self(reader)
    }
}

impl<R: Read + Send + Unpin + 'static> StreamProducer<StoreData> for ReadStream<R> {
    type Item = u8;
    type Buffer = VecBuffer<u8>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<'a, StoreData>,
        destination: Destination<'a, u8, VecBuffer<u8>>,
        is_cancelled: bool,
    ) -> Poll<Result<StreamResult>> {
        produce(store, destination, is_cancelled, |memory| {
            loop {
                match self.0.read(memory) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    read => return Poll::Ready(read),
                }
            }
        })
    }
}
