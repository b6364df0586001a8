//! Links the functions of `wasi:filesystem` that wait for blocking calls. wasmtime-wasi's
//! bindings link them for asynchronous calls only; its other bindings would need all
//! functions a second time, with other types.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    ErrorCode, Host, HostDescriptor, HostDirectoryEntryStream,
};

use super::{FileFunctions, Files, now};

/// Links methods of a resource. With [`Waits::Blocking`](crate::wasi::Waits::Blocking) their
/// futures are never pending.
macro_rules! link_methods {
    (
        $linker:ident, $files:ident, $resource:literal as $functions:ident:
        $($method:ident($($parameter:ident),*);)*
    ) => {
        $(
            let name = stringify!($method).replace('_', "-");
            $linker.func_wrap(
                &format!("[method]{}.{name}", $resource),
                move |mut store: StoreContextMut<'_, T>, (this, $($parameter,)*)| {
                    let mut files = $files(store.data_mut());
                    let done = now($functions::$method(&mut files, this, $($parameter),*))?;
                    returned(&mut files, done)
                },
            )?;
        )*
    };
}

/// Links the functions that wait, except for drops: those do not wait in the bindings.
pub(super) fn link<T: 'static>(
    linker: &mut LinkerInstance<'_, T>,
    files: fn(&mut T) -> FileFunctions<Files<'_>>,
) -> wasmtime::Result<()> {
    link_methods! { linker, files, "descriptor" as HostDescriptor:
        advise(offset, length, advice);
        sync_data();
        get_flags();
        get_type();
        set_size(size);
        set_times(read, written);
        read(length, offset);
        write(bytes, offset);
        read_directory();
        sync();
        create_directory_at(path);
        stat();
        stat_at(follow, path);
        set_times_at(follow, path, read, written);
        link_at(follow, path, to, name);
        open_at(follow, path, how, flags);
        readlink_at(path);
        remove_directory_at(path);
        rename_at(path, to, name);
        symlink_at(target, path);
        unlink_file_at(path);
        metadata_hash();
        metadata_hash_at(follow, path);
    }
    link_methods! { linker, files, "directory-entry-stream" as HostDirectoryEntryStream:
        read_directory_entry();
    }
    linker.func_wrap(
        "[method]descriptor.is-same-object",
        move |mut store: StoreContextMut<'_, T>, (this, other)| {
            let mut files = files(store.data_mut());
            let same = now(HostDescriptor::is_same_object(&mut files, this, other))?;
            Ok((same?,))
        },
    )
}

/// Converts the result of a function: error codes are returned to the guest.
fn returned<R>(
    files: &mut FileFunctions<Files<'_>>,
    result: FsResult<R>,
) -> wasmtime::Result<(Result<R, ErrorCode>,)> {
    match result {
        Ok(result) => Ok((Ok(result),)),
        Err(error) => Ok((Err(files.convert_error_code(error)?),)),
    }
}
