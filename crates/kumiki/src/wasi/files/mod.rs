//! Files of granted folders. WASI's own functions do the work, on threads that
//! can be left alone: a pipe or a network file system may take for ever, and a
//! call ends in time all the same. Each open file counts as a descriptor of its
//! instance, and what is read ahead is bounded.

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
use crate::wasi::descriptors::{Budget, Permit, Refused};
use crate::wasi::folders::{FolderPath, Folders};
use crate::wasi::network::Guard;
use crate::wasi::threads::{self, ThreadQuota};

/// What one instance's files go through.
pub(crate) struct Files<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) guard: &'a Guard,
    pub(crate) folders: &'a mut Folders,
    pub(crate) budget: &'a Arc<Budget>,
    pub(crate) threads: &'a Arc<ThreadQuota>,
    pub(crate) clocks: Clocks,
    pub(crate) deadline: Deadline,
}

struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = Files<'a>;
}

/// Links files in the place of WASI's own.
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

/// A guest's number of an open file or folder.
type Fd = Resource<Descriptor>;

/// WASI's own files, as its functions want them.
type View<'a> = WasiFilesystemCtxView<'a>;

/// An open file or folder. It takes the place of WASI's own in the table of
/// resources.
#[derive(Clone)]
struct Opened {
    descriptor: Descriptor,
    /// What it counts for; nothing for a granted folder itself, which all
    /// instances share.
    permit: Option<Arc<Permit>>,
    /// The number of the folder that it lies in.
    folder: usize,
}

/// The same entry of the table by the type that it has there.
fn own<T: 'static, U: 'static>(resource: &Resource<T>) -> Resource<U> {
    match resource.owned() {
        true => Resource::new_own(resource.rep()),
        false => Resource::new_borrow(resource.rep()),
    }
}

/// Lets WASI's own functions work on the thread that calls them.
static ON_THREAD: LazyLock<WasiFilesystemCtx> = LazyLock::new(|| {
    let mut wasi = WasiCtx::builder();
    wasi.allow_blocking_current_thread(true);
    wasi.build().filesystem().clone()
});

/// Calls WASI's own functions with a table of their own.
fn with_view<R>(work: impl FnOnce(&mut View<'_>) -> R) -> R {
    let (mut table, mut ctx) = (ResourceTable::new(), ON_THREAD.clone());
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

    /// Calls one of WASI's own functions with this file.
    fn with<R>(self, work: impl FnOnce(&mut View<'_>, Fd) -> FsResult<R>) -> FsResult<R> {
        // Counted for as long as it is open.
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

    /// Does `work` on another thread, as long as the call may still take.
    fn wait<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> FsResult<R> + Send + 'static,
    ) -> FsResult<R> {
        self.threads.call(self.deadline.left(), work)?
    }

    /// Calls one of WASI's own functions with an open file.
    fn call<R: Send + 'static>(
        &self,
        fd: &Fd,
        work: impl FnOnce(&mut View<'_>, Fd) -> FsResult<R> + Send + 'static,
    ) -> FsResult<R> {
        let opened = self.get(fd)?;
        self.wait(move || opened.with(work))
    }

    /// The same with two.
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

    /// Takes descriptors before they are opened.
    fn permit(&self, count: usize) -> FsResult<Permit> {
        Ok(self.budget.take(count)?)
    }

    /// Passes on what came of a path, and tells of a denial. `changes` is
    /// whether the guest wanted to change something.
    fn answer<R>(
        &mut self,
        result: FsResult<R>,
        changes: bool,
        paths: &[(&Fd, &str)],
    ) -> FsResult<R> {
        if let Err(error) = &result
            && let Some(ErrorCode::NotPermitted) = error.downcast_ref()
        {
            let folder = |fd: &Fd| self.table.get::<Opened>(&own(fd)).ok().map(|it| it.folder);
            let places: Vec<FolderPath<'_>> = paths
                .iter()
                .filter_map(|(fd, path)| Some((folder(fd)?, *path)))
                .collect();
            self.folders.denied(self.guard, changes, &places);
        }
        result
    }
}

/// What ends a call.
fn trap(error: FsError) -> wasmtime::Error {
    match error.downcast() {
        Ok(code) => code.into(),
        Err(trap) => trap,
    }
}

impl From<threads::Refused> for FsError {
    fn from(refused: threads::Refused) -> Self {
        match refused {
            // As a call ends that computes for too long.
            threads::Refused::Late => Self::trap(Trap::Interrupt),
            threads::Refused::Full => ErrorCode::Busy.into(),
            threads::Refused::Panicked => {
                Self::trap(wasmtime::format_err!("the host failed at a file"))
            }
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
