//! The system has no memory left.

use std::io;

/// Whether the system had no memory, no address space or no mapping left.
pub(crate) fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| {
        let of_io = cause.downcast_ref::<io::Error>();
        of_io.is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory) || is_errno(cause)
    })
}

#[cfg(unix)]
fn is_errno(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref() == Some(&rustix::io::Errno::NOMEM)
}

#[cfg(not(unix))]
fn is_errno(_: &(dyn std::error::Error + 'static)) -> bool {
    false
}
