//! Streams from and to open files. Operations that block on the file system run on threads
//! that can be abandoned.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::filesystem::types::HostDescriptor;
use wasmtime_wasi::p2::{FsError, InputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::runtime::in_tokio;

use super::{Opened, trap, with_view};
use crate::wasi::threads::{BackgroundTask, Refused, ThreadQuota};

/// Maximum bytes that are read or written at once, as with wasmtime-wasi's streams.
pub(super) const CHUNK: usize = 64 * 1024;

/// Bytes that are read for a guest that polls the stream before it reads.
const POLL_READ: usize = 4096;

/// The file of a stream, and the plugin's quota of threads for its operations.
pub(super) struct StreamFile {
    file: Opened,
    threads: Arc<ThreadQuota>,
}

impl StreamFile {
    pub(super) fn new(file: Opened, threads: Arc<ThreadQuota>) -> Self {
        Self { file, threads }
    }

    pub(super) fn threads(&self) -> &Arc<ThreadQuota> {
        &self.threads
    }

    /// Returns a function that reads a part of the file on any thread, at most [`CHUNK`].
    pub(super) fn read_task(
        &self,
        position: u64,
        size: usize,
    ) -> impl FnOnce() -> StreamResult<Bytes> + Send + use<> {
        let (file, permit) = (self.file.descriptor.clone(), self.file.permit.clone());
        move || {
            let _permit = permit;
            with_view(|view| {
                let fd = view.table.push(file)?;
                let fd = Resource::new_borrow(fd.rep());
                let stream = HostDescriptor::read_via_stream(view, fd, position);
                let stream = view.table.get_mut(&stream.map_err(unexpected)?)?;
                in_tokio(stream.blocking_read(size.min(CHUNK)))
            })
        }
    }

    /// Returns a function that writes bytes to the file on any thread.
    pub(super) fn write_task(
        &self,
        position: WritePosition,
        bytes: Bytes,
    ) -> impl FnOnce() -> StreamResult<()> + Send + use<> {
        let (file, permit) = (self.file.descriptor.clone(), self.file.permit.clone());
        move || {
            let _permit = permit;
            with_view(|view| {
                let fd = view.table.push(file)?;
                let fd = Resource::new_borrow(fd.rep());
                let stream = match position {
                    WritePosition::At(offset) => HostDescriptor::write_via_stream(view, fd, offset),
                    WritePosition::End => HostDescriptor::append_via_stream(view, fd),
                };
                let stream = view.table.get_mut(&stream.map_err(unexpected)?)?;
                in_tokio(stream.blocking_write_and_flush(bytes))
            })
        }
    }
}

impl Drop for StreamFile {
    fn drop(&mut self) {
        // Closing a file may block, so it happens on another thread.
        if self.file.is_last() {
            self.threads.discard(self.file.clone());
        }
    }
}

/// An input stream from a position in a file.
pub(super) struct FileInput {
    source: StreamFile,
    position: u64,
    state: Reading,
}

enum Reading {
    Idle,
    Running(BackgroundTask<StreamResult<Bytes>>),
    Read(Bytes),
    Failed(StreamError),
    Closed,
}

impl FileInput {
    pub(super) fn new(file: Opened, threads: Arc<ThreadQuota>, position: u64) -> Self {
        Self {
            source: StreamFile::new(file, threads),
            position,
            state: Reading::Idle,
        }
    }

    fn read_task(&self, size: usize) -> impl FnOnce() -> StreamResult<Bytes> + Send + use<> {
        self.source.read_task(self.position, size)
    }

    fn start(&mut self, size: usize) {
        self.state = match self.source.threads.spawn(self.read_task(size)) {
            Ok(task) => Reading::Running(task),
            Err(refused) => Reading::Failed(refused.into()),
        };
    }

    fn done(&mut self, read: Result<StreamResult<Bytes>, Refused>) {
        self.state = match read {
            Ok(Ok(bytes)) => Reading::Read(bytes),
            Ok(Err(StreamError::Closed)) => Reading::Closed,
            Ok(Err(error)) => Reading::Failed(error),
            Err(refused) => Reading::Failed(refused.into()),
        };
    }

    /// Takes the result of the running read, if it is complete.
    fn update(&mut self) {
        if let Reading::Running(task) = &mut self.state
            && let Some(read) = task.try_take()
        {
            self.done(read);
        }
    }

    async fn finish(&mut self) {
        if let Reading::Running(task) = &mut self.state {
            let read = task.await;
            self.done(read);
        }
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for FileInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.update();
        match &mut self.state {
            Reading::Idle => {
                if size > 0 {
                    self.start(size);
                }
                Ok(Bytes::new())
            }
            Reading::Running(_) => Ok(Bytes::new()),
            Reading::Read(bytes) => {
                let part = bytes.split_to(size.min(bytes.len()));
                if bytes.is_empty() {
                    self.state = Reading::Idle;
                }
                self.position = self.position.saturating_add(part.len() as u64);
                Ok(part)
            }
            Reading::Failed(_) => match std::mem::replace(&mut self.state, Reading::Closed) {
                Reading::Failed(error) => Err(error),
                _ => Err(StreamError::Closed),
            },
            Reading::Closed => Err(StreamError::Closed),
        }
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.finish().await;
        if size > 0 && matches!(self.state, Reading::Idle) {
            let read = self.source.threads.wait(self.read_task(size)).await;
            self.done(read);
        }
        self.read(size)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for FileInput {
    async fn ready(&mut self) {
        if let Reading::Idle = self.state {
            self.start(POLL_READ);
        }
        self.finish().await;
    }
}

/// Where a stream writes.
#[derive(Clone, Copy)]
pub(super) enum WritePosition {
    At(u64),
    End,
}

impl WritePosition {
    pub(super) fn advance(&mut self, length: usize) {
        if let Self::At(offset) = self {
            *offset = offset.saturating_add(length as u64);
        }
    }
}

/// An output stream to a position in a file, or to its end.
pub(super) struct FileOutput {
    source: StreamFile,
    position: WritePosition,
    state: Writing,
}

enum Writing {
    Idle,
    /// Writes this many bytes.
    Running(usize, BackgroundTask<StreamResult<()>>),
    Failed(StreamError),
    Closed,
}

impl FileOutput {
    pub(super) fn new(file: Opened, threads: Arc<ThreadQuota>, position: WritePosition) -> Self {
        Self {
            source: StreamFile::new(file, threads),
            position,
            state: Writing::Idle,
        }
    }

    fn write_task(&self, bytes: Bytes) -> impl FnOnce() -> StreamResult<()> + Send + use<> {
        self.source.write_task(self.position, bytes)
    }

    fn done(&mut self, length: usize, written: Result<StreamResult<()>, Refused>) {
        self.state = match written {
            Ok(Ok(())) => {
                self.position.advance(length);
                Writing::Idle
            }
            Ok(Err(error)) => Writing::Failed(error),
            Err(refused) => Writing::Failed(refused.into()),
        };
    }

    async fn finish(&mut self) {
        if let Writing::Running(length, task) = &mut self.state {
            let (length, written) = (*length, task.await);
            self.done(length, written);
        }
    }

    /// Returns how many bytes may be written now, or the error of an earlier write, once.
    fn permitted(&mut self) -> StreamResult<usize> {
        if let Writing::Running(length, task) = &mut self.state
            && let Some(written) = task.try_take()
        {
            let length = *length;
            self.done(length, written);
        }
        match &self.state {
            Writing::Idle => Ok(CHUNK),
            Writing::Running(..) => Ok(0),
            Writing::Closed => Err(StreamError::Closed),
            Writing::Failed(_) => match std::mem::replace(&mut self.state, Writing::Closed) {
                Writing::Failed(error) => Err(error),
                _ => Err(StreamError::Closed),
            },
        }
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for FileOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let permitted = self.permitted()?;
        if bytes.len() > permitted {
            return Err(not_permitted(bytes.len(), permitted));
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let length = bytes.len();
        self.state = match self.source.threads.spawn(self.write_task(bytes)) {
            Ok(task) => Writing::Running(length, task),
            Err(refused) => Writing::Failed(refused.into()),
        };
        Ok(())
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.finish().await;
        self.permitted()?;
        let length = bytes.len();
        let written = self.source.threads.wait(self.write_task(bytes)).await;
        self.done(length, written);
        self.permitted().map(drop)
    }

    fn flush(&mut self) -> StreamResult<()> {
        // Nothing is buffered. The result of a running write is returned later.
        match self.permitted() {
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.permitted()
    }

    /// Completes the running write, so that it is not lost when the stream is dropped.
    async fn cancel(&mut self) {
        self.finish().await;
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for FileOutput {
    async fn ready(&mut self) {
        self.finish().await;
    }
}

/// The trap of a guest that writes more than `check-write` permits.
pub(crate) fn not_permitted(bytes: usize, permitted: usize) -> StreamError {
    StreamError::Trap(wasmtime::format_err!(
        "the plugin wrote {bytes} bytes, but `check-write` permits {permitted}"
    ))
}

/// The trap for an error that was checked before the stream was created.
fn unexpected(error: FsError) -> StreamError {
    StreamError::Trap(trap(error))
}

impl From<Refused> for StreamError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full => {
                let busy = io::Error::from(io::ErrorKind::ResourceBusy);
                Self::LastOperationFailed(busy.into())
            }
            Refused::Late | Refused::Panicked => {
                Self::Trap(wasmtime::format_err!("a file operation failed in the host"))
            }
        }
    }
}
