//! An error of a host function.

use std::error::Error;
use std::fmt;
use std::ops::Deref;

use wasmtime::WasmBacktrace;

/// What a host function returned in the middle of a guest, as it returned it.
///
/// It is the [`source`](Error::source) of [`Error::Trap`](crate::Error::Trap), or begins
/// the chain of its causes there.
pub struct HostError(wasmtime::Error);

impl HostError {
    pub(crate) fn new(error: wasmtime::Error) -> Self {
        Self(error)
    }

    /// The error with the type that the host function gave it.
    #[must_use]
    pub fn downcast_ref<E: fmt::Display + fmt::Debug + Send + Sync + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl Deref for HostError {
    type Target = dyn Error + 'static;

    /// What is below the guest's stack, which wasmtime puts above every error that
    /// passes a guest: its text is long, and the guest's own.
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
