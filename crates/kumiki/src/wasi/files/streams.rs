//! Streams from and to open files. What waits for the file system runs on
//! threads that can be left alone.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::sync::filesystem::types::HostDescriptor;
use wasmtime_wasi::p2::{FsError, InputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::runtime::in_tokio;

use super::{Opened, trap, with_view};
use crate::wasi::threads::{Later, Refused, ThreadQuota};

/// The most that is read or written at once, as it is with WASI's own streams.
const CHUNK: usize = 64 * 1024;

/// How much is read for whoever only asks whether there is something.
const GLIMPSE: usize = 4096;

/// A file, and the threads that wait for it.
struct StreamFile {
    file: Opened,
    threads: Arc<ThreadQuota>,
}

impl Drop for StreamFile {
    fn drop(&mut self) {
        // Closing it may have to be waited for, which nobody does here.
        if self.file.is_last() {
            self.threads.discard(self.file.clone());
        }
    }
}

/// Reads a file from a place on.
pub(super) struct FileInput {
    source: StreamFile,
    position: u64,
    state: Reading,
}

enum Reading {
    Idle,
    UnderWay(Later<StreamResult<Bytes>>),
    Read(Bytes),
    Failed(StreamError),
    Closed,
}

impl FileInput {
    pub(super) fn new(file: Opened, threads: Arc<ThreadQuota>, position: u64) -> Self {
        Self {
            source: StreamFile { file, threads },
            position,
            state: Reading::Idle,
        }
    }

    /// Reads a part of the file, wherever it is called.
    fn work(&self, size: usize) -> impl FnOnce() -> StreamResult<Bytes> + Send + use<> {
        let (file, position) = (self.source.file.descriptor.clone(), self.position);
        let counted = self.source.file.permit.clone();
        move || {
            let _counted = counted;
            with_view(|view| {
                let fd = view.table.push(file)?;
                let fd = Resource::new_borrow(fd.rep());
                let stream = HostDescriptor::read_via_stream(view, fd, position);
                let stream = view.table.get_mut(&stream.map_err(unexpected)?)?;
                in_tokio(stream.blocking_read(size.min(CHUNK)))
            })
        }
    }

    fn begin(&mut self, size: usize) {
        self.state = match self.source.threads.ahead(self.work(size)) {
            Ok(later) => Reading::UnderWay(later),
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

    /// Looks whether what is under way is done.
    fn look(&mut self) {
        if let Reading::UnderWay(later) = &mut self.state
            && let Some(read) = later.try_take()
        {
            self.done(read);
        }
    }

    async fn finish(&mut self) {
        if let Reading::UnderWay(later) = &mut self.state {
            let read = later.await;
            self.done(read);
        }
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for FileInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.look();
        match &mut self.state {
            Reading::Idle => {
                if size > 0 {
                    self.begin(size);
                }
                Ok(Bytes::new())
            }
            Reading::UnderWay(_) => Ok(Bytes::new()),
            Reading::Read(bytes) => {
                let part = bytes.split_to(size.min(bytes.len()));
                if bytes.is_empty() {
                    self.state = Reading::Idle;
                }
                self.position += part.len() as u64;
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
            let read = self.source.threads.wait(self.work(size)).await;
            self.done(read);
        }
        self.read(size)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for FileInput {
    async fn ready(&mut self) {
        if let Reading::Idle = self.state {
            self.begin(GLIMPSE);
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

/// Writes to a file from a place on, or to its end.
pub(super) struct FileOutput {
    source: StreamFile,
    place: WritePosition,
    state: Writing,
}

enum Writing {
    Idle,
    /// With the number of bytes.
    UnderWay(usize, Later<StreamResult<()>>),
    Failed(StreamError),
    Closed,
}

impl FileOutput {
    pub(super) fn new(file: Opened, threads: Arc<ThreadQuota>, place: WritePosition) -> Self {
        Self {
            source: StreamFile { file, threads },
            place,
            state: Writing::Idle,
        }
    }

    /// Writes bytes to the file, wherever it is called.
    fn work(&self, bytes: Bytes) -> impl FnOnce() -> StreamResult<()> + Send + use<> {
        let (file, place) = (self.source.file.descriptor.clone(), self.place);
        let counted = self.source.file.permit.clone();
        move || {
            let _counted = counted;
            with_view(|view| {
                let fd = view.table.push(file)?;
                let fd = Resource::new_borrow(fd.rep());
                let stream = match place {
                    WritePosition::At(position) => {
                        HostDescriptor::write_via_stream(view, fd, position)
                    }
                    WritePosition::End => HostDescriptor::append_via_stream(view, fd),
                };
                let stream = view.table.get_mut(&stream.map_err(unexpected)?)?;
                in_tokio(stream.blocking_write_and_flush(bytes))
            })
        }
    }

    fn done(&mut self, length: usize, written: Result<StreamResult<()>, Refused>) {
        self.state = match written {
            Ok(Ok(())) => {
                if let WritePosition::At(position) = &mut self.place {
                    *position += length as u64;
                }
                Writing::Idle
            }
            Ok(Err(error)) => Writing::Failed(error),
            Err(refused) => Writing::Failed(refused.into()),
        };
    }

    async fn finish(&mut self) {
        if let Writing::UnderWay(length, later) = &mut self.state {
            let (length, written) = (*length, later.await);
            self.done(length, written);
        }
    }

    /// How much may be written now; what failed is told once.
    fn permitted(&mut self) -> StreamResult<usize> {
        if let Writing::UnderWay(length, later) = &mut self.state
            && let Some(written) = later.try_take()
        {
            let length = *length;
            self.done(length, written);
        }
        match &self.state {
            Writing::Idle => Ok(CHUNK),
            Writing::UnderWay(..) => Ok(0),
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
        self.state = match self.source.threads.ahead(self.work(bytes)) {
            Ok(later) => Writing::UnderWay(length, later),
            Err(refused) => Writing::Failed(refused.into()),
        };
        Ok(())
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.finish().await;
        self.permitted()?;
        let length = bytes.len();
        let written = self.source.threads.wait(self.work(bytes)).await;
        self.done(length, written);
        self.permitted().map(drop)
    }

    fn flush(&mut self) -> StreamResult<()> {
        // Nothing is held back; what is under way is told of later.
        match self.permitted() {
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.permitted()
    }

    /// What was written is not lost in silence when the stream is dropped.
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

/// A guest that writes more than it was told that it may.
pub(crate) fn not_permitted(bytes: usize, permitted: usize) -> StreamError {
    StreamError::Trap(wasmtime::format_err!(
        "it wrote {bytes} bytes where `check-write` permits {permitted}"
    ))
}

/// What was asked before the stream was made cannot fail again.
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
                Self::Trap(wasmtime::format_err!("the host failed at a file"))
            }
        }
    }
}
