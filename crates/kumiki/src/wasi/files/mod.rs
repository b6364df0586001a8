//! Files in granted folders. wasmtime-wasi's functions do the work, on threads that can be
//! abandoned: a pipe or a network file system may block forever, and the call still ends at
//! its deadline. Each open file counts as a descriptor of its instance, and read-ahead is
//! limited.

mod blocking;
mod concurrent;
mod entries;
mod functions;
mod streams;

pub(crate) use concurrent::link as link_0_3;
pub(crate) use streams::not_permitted;

use std::pin::pin;
use std::sync::{Arc, LazyLock};

use tokio::time::timeout;
use wasmtime::component::{HasData, Linker, LinkerInstance, Resource, ResourceTable, ResourceType};
use wasmtime::{StoreContextMut, Trap};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtx, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{self, ErrorCode};
use wasmtime_wasi::p2::{FsError, FsResult};
use wasmtime_wasi::runtime::poll_noop;

use crate::Clocks;
use crate::clock::Deadline;
use crate::wasi::descriptors::{DescriptorBudget, Permit, Refused};
use crate::wasi::folders::{FolderPath, Folders};
use crate::wasi::network::Guard;
use crate::wasi::threads::{self, ThreadQuota};
use crate::wasi::version::WASI_VERSION;
use crate::wasi::{HasWasi, Waits};

/// The files of one instance.
pub(crate) struct Files<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) guard: &'a Guard,
    pub(crate) folders: &'a mut Folders,
    pub(crate) budget: &'a Arc<DescriptorBudget>,
    pub(crate) threads: &'a Arc<ThreadQuota>,
    pub(crate) clocks: Clocks,
    pub(crate) deadline: Deadline,
    pub(crate) waits: FileWaits,
}

/// How a function waits for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileWaits {
    /// It waits until the call's deadline.
    Until(Waits),
    /// It is a future of the call, which ends it at the deadline: functions of WASI 0.3.
    InCall,
}

/// Access to the files of an instance, except during waits: functions of WASI 0.3 must not
/// borrow the store while they wait, because other functions of the instance run meanwhile.
pub(crate) trait FileAccess: Send {
    fn with<R>(&mut self, work: impl FnOnce(&mut Files<'_>) -> R) -> R;
}

impl FileAccess for Files<'_> {
    fn with<R>(&mut self, work: impl FnOnce(&mut Files<'_>) -> R) -> R {
        work(self)
    }
}

/// The functions of `wasi:filesystem`, with the types of 0.2.
pub(crate) struct FileFunctions<A>(A);

struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = FileFunctions<Files<'a>>;
}

/// Links `wasi:filesystem` instead of wasmtime-wasi's functions.
pub(crate) fn link<T: HasWasi>(linker: &mut Linker<T>, waits: Waits) -> wasmtime::Result<()> {
    let files: fn(&mut T) -> FileFunctions<Files<'_>> = match waits {
        Waits::Blocking => {
            |state| FileFunctions(state.wasi().files(FileWaits::Until(Waits::Blocking)))
        }
        Waits::Async => |state| FileFunctions(state.wasi().files(FileWaits::Until(Waits::Async))),
    };
    linker.allow_shadowing(true);
    preopens::add_to_linker::<T, HasFiles>(linker, files)?;
    types::add_to_linker::<T, HasFiles>(linker, files)?;
    let mut types = linker.instance(&format!("wasi:filesystem/types@{WASI_VERSION}"))?;
    match waits {
        Waits::Blocking => blocking::link(&mut types, files)?,
        Waits::Async => link_async_close(&mut types, files)?,
    }
    linker.allow_shadowing(false);
    Ok(())
}

/// Links the drop of a file, which wasmtime-wasi's bindings for asynchronous calls link as a
/// function that does not wait.
fn link_async_close<T: HasWasi>(
    linker: &mut LinkerInstance<'_, T>,
    files: fn(&mut T) -> FileFunctions<Files<'_>>,
) -> wasmtime::Result<()> {
    linker.resource_async(
        "descriptor",
        ResourceType::host::<Descriptor>(),
        move |mut store: StoreContextMut<'_, T>, handle| {
            Box::new(async move {
                let mut files = files(store.data_mut());
                let closed = files.close(Resource::new_own(handle)).await;
                closed.map_err(trap)
            })
        },
    )
}

/// A guest's handle of an open file or folder.
type Fd = Resource<Descriptor>;

/// The view that wasmtime-wasi's functions take.
type View<'a> = WasiFilesystemCtxView<'a>;

/// An open file or folder. Stored in the resource table instead of wasmtime-wasi's type.
#[derive(Clone)]
struct Opened {
    descriptor: Descriptor,
    /// The permit for its descriptor; `None` for a granted folder, which all instances share.
    permit: Option<Arc<Permit>>,
    /// The index of the granted folder that contains it.
    folder: usize,
}

/// Converts a handle to the type of its entry in the table.
fn own<T: 'static, U: 'static>(resource: &Resource<T>) -> Resource<U> {
    match resource.owned() {
        true => Resource::new_own(resource.rep()),
        false => Resource::new_borrow(resource.rep()),
    }
}

/// A context in which wasmtime-wasi's functions block the calling thread.
static BLOCKING: LazyLock<WasiFilesystemCtx> = LazyLock::new(|| {
    let mut wasi = WasiCtx::builder();
    wasi.allow_blocking_current_thread(true);
    wasi.build().filesystem().clone()
});

/// Calls wasmtime-wasi's functions with a temporary resource table.
fn with_view<R>(work: impl FnOnce(&mut View<'_>) -> R) -> R {
    let (mut table, mut ctx) = (ResourceTable::new(), BLOCKING.clone());
    work(&mut WasiFilesystemCtxView {
        ctx: &mut ctx,
        table: &mut table,
    })
}

impl Opened {
    /// Whether dropping it closes the file.
    fn is_last(&self) -> bool {
        let file = match &self.descriptor {
            Descriptor::File(file) => &file.file,
            Descriptor::Dir(folder) => &folder.dir,
        };
        Arc::strong_count(file) == 1
    }

    /// Calls a function of wasmtime-wasi with this file.
    fn with<R>(self, work: impl AsyncFnOnce(&mut View<'_>, Fd) -> FsResult<R>) -> FsResult<R> {
        // The permit is held while the file is open.
        let Self {
            descriptor,
            permit: _counted,
            folder: _,
        } = self;
        with_view(|view| {
            let fd = view.table.push(descriptor)?;
            now(work(view, Resource::new_borrow(fd.rep()))).map_err(FsError::trap)?
        })
    }
}

/// Returns the result of work that is never pending: of wasmtime-wasi's functions in the
/// context [`BLOCKING`], and of [`FileFunctions`] that wait [`Waits::Blocking`].
fn now<R>(work: impl Future<Output = R>) -> wasmtime::Result<R> {
    poll_noop(pin!(work)).ok_or_else(|| wasmtime::format_err!("a file operation did not block"))
}

impl Files<'_> {
    fn get(&self, fd: &Fd) -> FsResult<Opened> {
        Ok(self.table.get::<Opened>(&own(fd))?.clone())
    }

    /// Takes `count` descriptors. Call this before opening them.
    fn permit(&self, count: usize) -> FsResult<Permit> {
        Ok(self.budget.take(count)?)
    }

    fn waiter(&self) -> Waiter {
        Waiter {
            threads: self.threads.clone(),
            deadline: self.deadline,
            waits: self.waits,
        }
    }

    /// Reports a denied operation on these paths. `changes`: it would have changed something.
    fn report_denial(&mut self, changes: bool, paths: &[(&Fd, &str)]) {
        let folder = |fd: &Fd| self.table.get::<Opened>(&own(fd)).ok().map(|it| it.folder);
        let paths: Vec<FolderPath<'_>> = paths
            .iter()
            .filter_map(|(fd, path)| Some((folder(fd)?, *path)))
            .collect();
        self.folders.report(self.guard, changes, &paths);
    }
}

/// How a function waits for its work, and until when.
struct Waiter {
    threads: Arc<ThreadQuota>,
    deadline: Deadline,
    waits: FileWaits,
}

impl Waiter {
    /// Runs `work` on another thread and waits for it until the call's deadline. If the call
    /// is dropped meanwhile, `work` is abandoned as if it was late.
    async fn wait<R: Send + 'static>(
        self,
        work: impl FnOnce() -> FsResult<R> + Send + 'static,
    ) -> FsResult<R> {
        let remaining = self.deadline.remaining();
        match self.waits {
            FileWaits::Until(Waits::Blocking) => self.threads.call(remaining, work)?,
            FileWaits::Until(Waits::Async) => {
                let done = timeout(remaining, self.threads.wait(work)).await;
                done.unwrap_or(Err(threads::Refused::Late))?
            }
            FileWaits::InCall => self.threads.wait_in_turn(work).await?,
        }
    }
}

impl<A: FileAccess> FileFunctions<A> {
    fn with<R>(&mut self, work: impl FnOnce(&mut Files<'_>) -> R) -> R {
        self.0.with(work)
    }

    /// Runs `work` on another thread, as [`Waiter::wait`] does.
    async fn wait<R: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> FsResult<R> + Send + 'static,
    ) -> FsResult<R> {
        let waiter = self.with(|files| files.waiter());
        waiter.wait(work).await
    }

    /// Calls a function of wasmtime-wasi with an open file.
    async fn call<R: Send + 'static>(
        &mut self,
        fd: &Fd,
        work: impl AsyncFnOnce(&mut View<'_>, Fd) -> FsResult<R> + Send + 'static,
    ) -> FsResult<R> {
        let opened = self.with(|files| files.get(fd))?;
        self.wait(move || opened.with(work)).await
    }

    /// Like [`FileFunctions::call`], with two files.
    async fn call_with<R: Send + 'static>(
        &mut self,
        fd: &Fd,
        other: &Fd,
        work: impl AsyncFnOnce(&mut View<'_>, Fd, Fd) -> FsResult<R> + Send + 'static,
    ) -> FsResult<R> {
        let opened = self.with(|files| FsResult::Ok((files.get(fd)?, files.get(other)?)));
        let (opened, other) = opened?;
        self.wait(move || {
            opened.with(async |view, fd| {
                let Opened {
                    descriptor,
                    permit: _counted,
                    folder: _,
                } = other;
                let other = view.table.push(descriptor)?;
                work(view, fd, Resource::new_borrow(other.rep())).await
            })
        })
        .await
    }

    /// Drops a handle and closes its file. Does not wait if the plugin has as many abandoned
    /// operations as it may.
    async fn close(&mut self, fd: Fd) -> FsResult<()> {
        let closing = self.with(|files| {
            let opened = files.table.delete::<Opened>(own(&fd))?;
            // Granted folders stay open. Closing other files may block, for example on a
            // network file system.
            if opened.permit.is_none() {
                return Ok(None);
            }
            if files.threads.is_full() || files.waits == FileWaits::InCall {
                files.threads.discard(opened);
                return Ok(None);
            }
            FsResult::Ok(Some(opened))
        });
        match closing? {
            None => Ok(()),
            Some(opened) => {
                let close = move || {
                    drop(opened);
                    Ok(())
                };
                self.wait(close).await
            }
        }
    }

    /// Reports the denial of an operation on these paths, if `result` is one, and returns
    /// `result`. `changes`: the operation would have changed something.
    fn report_denial<R>(
        &mut self,
        result: FsResult<R>,
        changes: bool,
        paths: &[(&Fd, &str)],
    ) -> FsResult<R> {
        if let Err(error) = &result
            && let Some(ErrorCode::NotPermitted) = error.downcast_ref()
        {
            self.with(|files| files.report_denial(changes, paths));
        }
        result
    }
}

/// Converts an error to one that ends the call.
fn trap(error: FsError) -> wasmtime::Error {
    match error.downcast() {
        Ok(code) => code.into(),
        Err(trap) => trap,
    }
}

impl From<threads::Refused> for FsError {
    fn from(refused: threads::Refused) -> Self {
        match refused {
            // The same trap as for a call that computes for too long.
            threads::Refused::Late => Self::trap(Trap::Interrupt),
            threads::Refused::Full => ErrorCode::Busy.into(),
            threads::Refused::Panicked => Self::trap(wasmtime::format_err!(
                "a file operation panicked in the host"
            )),
        }
    }
}

impl From<Refused> for FsError {
    fn from(refused: Refused) -> Self {
        match refused.reached() {
            Some(reached) => Self::trap(reached),
            None => ErrorCode::Busy.into(),
        }
    }
}

#[cfg(test)]
mod tests;
