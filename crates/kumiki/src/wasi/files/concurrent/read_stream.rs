//! The stream of a file's bytes. It reads only what the guest waits for, so that a stream
//! that is not read holds no memory.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use wasmtime::component::{Destination, StreamProducer, StreamResult};
use wasmtime::{AsContextMut as _, StoreContextMut};
use wasmtime_wasi::p2::{StreamError, StreamResult as FileResult};

use super::end::{End, Ended, code_of, code_of_refusal};
use crate::wasi::files::streams::{CHUNK, StreamFile};
use crate::wasi::threads::{BackgroundTask, Refused};

pub(super) struct ReadStream {
    source: StreamFile,
    position: u64,
    running: Option<BackgroundTask<FileResult<Bytes>>>,
    end: End,
}

impl ReadStream {
    pub(super) fn new(source: StreamFile, position: u64, end: End) -> Self {
        Self {
            source,
            position,
            running: None,
            end,
        }
    }

    /// Reads at most this many bytes on another thread. Returns none at the end of the file.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        size: usize,
    ) -> Poll<wasmtime::Result<Result<Bytes, Ended>>> {
        let running = match &mut self.running {
            Some(running) => running,
            None => {
                let work = self.source.read_task(self.position, size.min(CHUNK));
                match self.source.threads().spawn(work) {
                    Ok(task) => self.running.insert(task),
                    Err(refused) => return Poll::Ready(failed(refused)),
                }
            }
        };
        let Poll::Ready(read) = Pin::new(running).poll(context) else {
            return Poll::Pending;
        };
        self.running = None;
        Poll::Ready(match read {
            Ok(Ok(bytes)) => Ok(Ok(bytes)),
            Ok(Err(StreamError::Closed)) => Ok(Err(Ok(()))),
            Ok(Err(error)) => code_of(error).map(|code| Err(Err(code))),
            Err(refused) => failed(refused),
        })
    }
}

fn failed<R>(refused: Refused) -> wasmtime::Result<Result<R, Ended>> {
    code_of_refusal(refused).map(|code| Err(Err(code)))
}

impl<D> StreamProducer<D> for ReadStream {
    type Item = u8;
    type Buffer = BytesMut;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        destination: Destination<'a, u8, BytesMut>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = self.get_mut();
        // The host itself reads with no limit.
        let size = destination.remaining(store.as_context_mut());
        let size = size.unwrap_or(CHUNK);
        if size == 0 {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let Poll::Ready(read) = this.poll_read(context, size) else {
            if !finish {
                return Poll::Pending;
            }
            // The position stays, so nothing is lost.
            this.running = None;
            return Poll::Ready(Ok(StreamResult::Cancelled));
        };
        match read? {
            Ok(bytes) => {
                let mut direct = destination.as_direct(store, bytes.len());
                let length = bytes.len().min(direct.remaining().len());
                direct.remaining()[..length].copy_from_slice(&bytes[..length]);
                direct.mark_written(length);
                this.position = this.position.saturating_add(length as u64);
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Err(ended) => {
                this.end.report(ended);
                Poll::Ready(Ok(StreamResult::Dropped))
            }
        }
    }
}
