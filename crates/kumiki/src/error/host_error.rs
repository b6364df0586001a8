//! Errors returned by host functions.

use std::error::Error;
use std::fmt;
use std::ops::Deref;

use wasmtime::WasmBacktrace;

/// The error that a host function returned while the guest was calling it.
///
/// It is the [`source`](Error::source) of [`Error::Trap`](crate::Error::Trap), or the
/// first error in its chain of causes.
pub struct HostError(wasmtime::Error);

impl HostError {
    pub(crate) fn new(error: wasmtime::Error) -> Self {
        Self(error)
    }

    /// Returns the error as the type that the host function returned.
    #[must_use]
    pub fn downcast_ref<E: fmt::Display + fmt::Debug + Send + Sync + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl Deref for HostError {
    type Target = dyn Error + 'static;

    /// Skips the guest backtrace that wasmtime wraps around every error that passes
    /// through a guest: its text is long and controlled by the guest.
    fn deref(&self) -> &Self::Target {
        let Some(backtrace) = self.0.downcast_ref::<WasmBacktrace>() else {
            return &*self.0;
        };
        let is_backtrace = |cause: &&(dyn Error + 'static)| std::ptr::addr_eq(*cause, backtrace);
        let mut causes = self.0.chain().skip_while(|cause| !is_backtrace(cause));
        match (causes.next(), causes.next()) {
            (Some(_), Some(cause)) => cause,
            _ => self.0.root_cause(),
        }
    }
}

impl fmt::Debug for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
