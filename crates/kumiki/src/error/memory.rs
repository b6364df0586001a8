//! Detection of out-of-memory errors.

use std::io;

/// Returns whether the system ran out of memory, address space or mappings.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_memory_is_detected_by_error_type() {
        let of_io = |code| wasmtime::Error::from(io::Error::from_raw_os_error(code));
        let in_words = wasmtime::Error::msg(of_io(12).to_string());
        assert!(is_out_of_memory(&of_io(12).context("mmap failed")));
        assert!(!is_out_of_memory(&of_io(2).context("mmap failed")));
        assert!(!is_out_of_memory(&in_words));
        #[cfg(unix)]
        {
            let errno = wasmtime::Error::from(rustix::io::Errno::NOMEM);
            assert!(is_out_of_memory(&errno.context("mmap failed")));
        }
    }

    /// Makes wasmtime reserve more address space than exists.
    #[cfg(target_os = "linux")]
    #[test]
    fn failed_wasmtime_reservation_is_out_of_memory() {
        let mut config = wasmtime::Config::new();
        config.memory_reservation(1 << 60);
        let engine = wasmtime::Engine::new(&config).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        let ty = wasmtime::MemoryType::new(1, None);
        let error = wasmtime::Memory::new(&mut store, ty).unwrap_err();
        assert!(is_out_of_memory(&error), "{error:?}");
    }
}
