//! What comes of a request, or of a part of it.

use wasmtime_wasi_http::Error;

pub(super) type Outcome<R> = Result<R, Error>;
