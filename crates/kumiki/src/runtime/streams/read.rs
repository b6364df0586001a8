//! A stream that a guest reads.

use std::io::{ErrorKind, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};
use wasmtime::{AsContextMut as _, Result, StoreContextMut};

use super::CHUNK;
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
        mut store: StoreContextMut<'a, StoreData>,
        destination: Destination<'a, u8, VecBuffer<u8>>,
        _: bool,
    ) -> Poll<Result<StreamResult>> {
        // A read of no bytes asks whether there are any.
        if destination.remaining(store.as_context_mut()) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        store.data().check_total_time()?;
        let mut direct = destination.as_direct(store.as_context_mut(), CHUNK);
        let buffer = direct.remaining();
        let length = buffer.len().min(CHUNK);
        let read = loop {
            match self.0.read(&mut buffer[..length]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        direct.mark_written(read);
        StoreData::made_progress(&mut store);
        Poll::Ready(Ok(match read {
            0 => StreamResult::Dropped,
            _ => StreamResult::Completed,
        }))
    }
}
