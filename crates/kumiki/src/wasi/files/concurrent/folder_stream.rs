//! The stream of a folder's entries, which are read in batches. Its descriptors count until
//! it is dropped, so that few streams hold entries at a time.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};
use wasmtime::{AsContextMut as _, StoreContextMut};
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p3::bindings::filesystem::types::DirectoryEntry;

use super::convert;
use super::end::{End, Ended, code_of_refusal};
use crate::wasi::descriptors::Permit;
use crate::wasi::files::Opened;
use crate::wasi::files::entries::{BATCH, Entries};
use crate::wasi::threads::{BackgroundTask, Refused, ThreadQuota};

pub(super) struct FolderStream {
    threads: Arc<ThreadQuota>,
    permit: Arc<Permit>,
    state: State,
    end: End,
}

enum State {
    Unopened(Opened),
    Running(BackgroundTask<FsResult<Entries>>),
    Read(Entries),
    Ended(Ended),
}

impl FolderStream {
    pub(super) fn new(folder: Opened, permit: Permit, threads: Arc<ThreadQuota>, end: End) -> Self {
        Self {
            threads,
            permit: Arc::new(permit),
            state: State::Unopened(folder),
            end,
        }
    }

    /// Reads entries on another thread until some are there, or how the stream ends.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<wasmtime::Result<()>> {
        if let State::Unopened(folder) = &self.state {
            let (folder, permit) = (folder.clone(), self.permit.clone());
            self.start(move || Entries::open(&folder.descriptor, permit))?;
        }
        if let State::Read(entries) = &mut self.state
            && let Some(unread) = entries.take_if_needed()
        {
            self.start(move || Ok(Entries::of(unread.read())))?;
        }
        let State::Running(task) = &mut self.state else {
            return Poll::Ready(Ok(()));
        };
        let read = ready!(Pin::new(task).poll(context));
        self.state = match read {
            Ok(Ok(entries)) => State::Read(entries),
            Ok(Err(error)) => State::Ended(Err(convert::error(error).downcast()?)),
            Err(refused) => State::Ended(Err(code_of_refusal(refused)?)),
        };
        Poll::Ready(Ok(()))
    }

    fn start(
        &mut self,
        work: impl FnOnce() -> FsResult<Entries> + Send + 'static,
    ) -> wasmtime::Result<()> {
        self.state = match self.threads.spawn(work) {
            Ok(task) => State::Running(task),
            Err(refused @ Refused::Full) => State::Ended(Err(code_of_refusal(refused)?)),
            Err(refused) => return code_of_refusal(refused).map(drop),
        };
        Ok(())
    }

    /// Takes at most this many entries of those that were read.
    fn take(&mut self, count: usize) -> wasmtime::Result<Vec<DirectoryEntry>> {
        let mut taken = Vec::new();
        let State::Read(entries) = &mut self.state else {
            return Ok(taken);
        };
        while taken.len() < count
            && let Some(entry) = entries.next()
        {
            match entry {
                Ok(Some(entry)) => taken.push(convert::directory_entry(entry)),
                Ok(None) => {
                    self.state = State::Ended(Ok(()));
                    break;
                }
                Err(error) => {
                    self.state = State::Ended(Err(convert::error(error).downcast()?));
                    break;
                }
            }
        }
        Ok(taken)
    }
}

impl<D> StreamProducer<D> for FolderStream {
    type Item = DirectoryEntry;
    type Buffer = VecBuffer<DirectoryEntry>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, DirectoryEntry, VecBuffer<DirectoryEntry>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = self.get_mut();
        // The host itself reads with no limit.
        let count = destination.remaining(store.as_context_mut());
        let count = count.unwrap_or(BATCH).min(BATCH);
        if count == 0 {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        loop {
            if let State::Ended(ended) = &this.state {
                this.end.report(ended.clone());
                return Poll::Ready(Ok(StreamResult::Dropped));
            }
            let taken = this.take(count)?;
            if !taken.is_empty() {
                destination.set_buffer(taken.into());
                return Poll::Ready(Ok(StreamResult::Completed));
            }
            match this.poll_read(context) {
                Poll::Ready(read) => read?,
                // The work goes on, and its result stays for the next read.
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Drop for FolderStream {
    fn drop(&mut self) {
        // Closing a folder may block, so it happens on another thread.
        if let State::Read(entries) = mem::replace(&mut self.state, State::Ended(Ok(()))) {
            self.threads.discard(entries);
        }
    }
}
