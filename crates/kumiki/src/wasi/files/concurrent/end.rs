//! The future beside a stream, which says how the stream ended.

use tokio::sync::oneshot;
use wasmtime::AsContextMut;
use wasmtime::component::FutureReader;
use wasmtime_wasi::p2::StreamError;
use wasmtime_wasi::p3::bindings::filesystem::types::ErrorCode;

use crate::wasi::threads::Refused;

/// How a stream ended.
pub(super) type Ended = Result<(), ErrorCode>;

/// Reports how a stream ended, once. Dropping it reports success.
pub(super) struct End(Option<oneshot::Sender<Ended>>);

impl End {
    /// Creates the future beside a stream.
    pub(super) fn future(
        store: impl AsContextMut,
    ) -> wasmtime::Result<(Self, FutureReader<Ended>)> {
        let (sender, receiver) = oneshot::channel();
        Ok((Self(Some(sender)), FutureReader::new(store, receiver)?))
    }

    pub(super) fn report(&mut self, ended: Ended) {
        if let Some(sender) = self.0.take() {
            // Fails if the guest dropped the future.
            let _ = sender.send(ended);
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.report(Ok(()));
    }
}

/// Converts the error of an operation. What is not an error code ends the call.
pub(super) fn code_of(error: StreamError) -> wasmtime::Result<ErrorCode> {
    match error {
        StreamError::LastOperationFailed(error) => {
            let code = error.downcast_ref::<std::io::Error>();
            Ok(code.map_or(ErrorCode::Io, ErrorCode::from))
        }
        StreamError::Trap(error) => Err(error),
        StreamError::Closed => Ok(ErrorCode::Io),
    }
}

/// The error of an operation that was refused a thread.
pub(super) fn code_of_refusal(refused: Refused) -> wasmtime::Result<ErrorCode> {
    match refused {
        Refused::Full => Ok(ErrorCode::Busy),
        Refused::Late | Refused::Panicked => {
            wasmtime::bail!("a file operation failed in the host")
        }
    }
}
