//! The stream of bytes for a file.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use wasmtime::StoreContextMut;
use wasmtime::component::{Source, StreamConsumer, StreamResult};
use wasmtime_wasi::p2::StreamResult as FileResult;
use wasmtime_wasi::p3::bindings::filesystem::types::ErrorCode;

use super::end::{End, code_of, code_of_refusal};
use crate::wasi::files::streams::{CHUNK, StreamFile, WritePosition};
use crate::wasi::threads::BackgroundTask;

pub(super) struct WriteStream {
    target: StreamFile,
    position: WritePosition,
    /// Writes this many bytes.
    running: Option<(usize, BackgroundTask<FileResult<()>>)>,
    end: End,
}

impl WriteStream {
    pub(super) fn new(target: StreamFile, position: WritePosition, end: End) -> Self {
        Self {
            target,
            position,
            running: None,
            end,
        }
    }

    fn fail(&mut self, code: wasmtime::Result<ErrorCode>) -> Poll<wasmtime::Result<StreamResult>> {
        self.end.report(Err(code?));
        Poll::Ready(Ok(StreamResult::Dropped))
    }
}

impl<D> StreamConsumer<D> for WriteStream {
    type Item = u8;

    // A write that has started cannot be taken back, so `finish` changes nothing.
    fn poll_consume(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        store: StoreContextMut<'_, D>,
        source: Source<'_, u8>,
        _finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = self.get_mut();
        let mut source = source.as_direct(store);
        if this.running.is_none() {
            let bytes = source.remaining();
            let length = bytes.len().min(CHUNK);
            if length == 0 {
                return Poll::Ready(Ok(StreamResult::Completed));
            }
            let bytes = Bytes::copy_from_slice(&bytes[..length]);
            let work = this.target.write_task(this.position, bytes);
            match this.target.threads().spawn(work) {
                Ok(task) => this.running = Some((length, task)),
                Err(refused) => return this.fail(code_of_refusal(refused)),
            }
        }
        let Some((length, task)) = &mut this.running else {
            return Poll::Pending;
        };
        let (length, written) = (*length, ready!(Pin::new(task).poll(context)));
        this.running = None;
        match written {
            Ok(Ok(())) => {
                source.mark_read(length);
                this.position.advance(length);
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Ok(Err(error)) => this.fail(code_of(error)),
            Err(refused) => this.fail(code_of_refusal(refused)),
        }
    }
}
