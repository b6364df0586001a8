//! Files in granted folders. wasmtime-wasi's functions do the work, on threads that can be
//! abandoned: a pipe or a network file system may block forever, and the call still ends at
//! its deadline. Each open file counts as a descriptor of its instance, and read-ahead is
//! limited.

mod entries;
mod functions;
mod streams;

pub(crate) use streams::not_permitted;

use std::sync::{Arc, LazyLock};

use wasmtime::Trap;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtx, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p2::bindings::sync::filesystem::types;
use wasmtime_wasi::p2::{FsError, FsResult};

use crate::Clocks;
use crate::clock::Deadline;
use crate::wasi::descriptors::{DescriptorBudget, Permit, Refused};
use crate::wasi::folders::{FolderPath, Folders};
use crate::wasi::network::Guard;
use crate::wasi::threads::{self, ThreadQuota};

/// The files of one instance.
pub(crate) struct Files<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) guard: &'a Guard,
    pub(crate) folders: &'a mut Folders,
    pub(crate) budget: &'a Arc<DescriptorBudget>,
    pub(crate) threads: &'a Arc<ThreadQuota>,
    pub(crate) clocks: Clocks,
    pub(crate) deadline: Deadline,
}

struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = Files<'a>;
}

/// Links `wasi:filesystem` instead of wasmtime-wasi's functions.
pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    files: fn(&mut T) -> Files<'_>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    preopens::add_to_linker::<T, HasFiles>(linker, files)?;
    types::add_to_linker::<T, HasFiles>(linker, files)?;
    linker.allow_shadowing(false);
    Ok(())
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
    fn with<R>(self, work: impl FnOnce(&mut View<'_>, Fd) -> FsResult<R>) -> FsResult<R> {
        // The permit is held while the file is open.
        let Self {
            descriptor,
            permit: _counted,
            folder: _,
        } = self;
        with_view(|view| {
            let fd = view.table.push(descriptor)?;
            work(view, Resource::new_borrow(fd.rep()))
        })
    }
}

impl Files<'_> {
    fn get(&self, fd: &Fd) -> FsResult<Opened> {
        Ok(self.table.get::<Opened>(&own(fd))?.clone())
    }

    /// Runs `work` on another thread and waits for it until the call's deadline.
    fn wait<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> FsResult<R> + Send + 'static,
    ) -> FsResult<R> {
        self.threads.call(self.deadline.remaining(), work)?
    }

    /// Calls a function of wasmtime-wasi with an open file.
    fn call<R: Send + 'static>(
        &self,
        fd: &Fd,
        work: impl FnOnce(&mut View<'_>, Fd) -> FsResult<R> + Send + 'static,
    ) -> FsResult<R> {
        let opened = self.get(fd)?;
        self.wait(move || opened.with(work))
    }

    /// Like [`Files::call`], with two files.
    fn call_with<R: Send + 'static>(
        &self,
        fd: &Fd,
        other: &Fd,
        work: impl FnOnce(&mut View<'_>, Fd, Fd) -> FsResult<R> + Send + 'static,
    ) -> FsResult<R> {
        let (opened, other) = (self.get(fd)?, self.get(other)?);
        self.wait(move || {
            opened.with(|view, fd| {
                let Opened {
                    descriptor,
                    permit: _counted,
                    folder: _,
                } = other;
                let other = view.table.push(descriptor)?;
                work(view, fd, Resource::new_borrow(other.rep()))
            })
        })
    }

    /// Takes `count` descriptors. Call this before opening them.
    fn permit(&self, count: usize) -> FsResult<Permit> {
        Ok(self.budget.take(count)?)
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
            let folder = |fd: &Fd| self.table.get::<Opened>(&own(fd)).ok().map(|it| it.folder);
            let paths: Vec<FolderPath<'_>> = paths
                .iter()
                .filter_map(|(fd, path)| Some((folder(fd)?, *path)))
                .collect();
            self.folders.report(self.guard, changes, &paths);
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
