//! The result type of a request and its steps.

use wasmtime_wasi_http::Error;

pub(super) type Outcome<R> = Result<R, Error>;
