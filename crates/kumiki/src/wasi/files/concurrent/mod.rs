//! `wasi:filesystem` of WASI 0.3. The functions of 0.2 do the work, under the same checks
//! and limits: here, their types are converted, and they wait as futures of the call.

mod convert;
mod end;
mod folder_stream;
mod functions;
mod read_stream;
mod write_stream;

use wasmtime::component::{Accessor, HasData, Linker};
use wasmtime_wasi::p3::bindings::filesystem::{preopens, types};

use super::{FileAccess, FileFunctions, FileWaits, Files};
use crate::wasi::HasWasi;

/// The files of one instance, for functions of WASI 0.3.
pub(crate) struct ConcurrentFiles;

impl HasData for ConcurrentFiles {
    type Data<'a> = FileFunctions<Files<'a>>;
}

/// Links `wasi:filesystem` of WASI 0.3.
pub(crate) fn link<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let files: fn(&mut T) -> FileFunctions<Files<'_>> =
        |state| FileFunctions(state.wasi().files(FileWaits::InCall));
    preopens::add_to_linker::<T, ConcurrentFiles>(linker, files)?;
    types::add_to_linker::<T, ConcurrentFiles>(linker, files)
}

/// Borrows the store of an asynchronous function for short times.
struct InCall<'a, T: 'static>(&'a Accessor<T, ConcurrentFiles>);

impl<T: 'static> FileAccess for InCall<'_, T> {
    fn with<R>(&mut self, work: impl FnOnce(&mut Files<'_>) -> R) -> R {
        self.0.with(|mut store| store.get().with(work))
    }
}

/// The functions of 0.2 for an asynchronous function.
fn functions<T: 'static>(store: &Accessor<T, ConcurrentFiles>) -> FileFunctions<InCall<'_, T>> {
    FileFunctions(InCall(store))
}

#[cfg(test)]
mod tests;
