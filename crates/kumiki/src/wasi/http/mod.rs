//! Sends the `wasi:http` requests of guests to granted addresses, over HTTP/1.1, with TLS
//! for `https`. The host follows no redirects, uses no proxy and stores no cookies.

mod body;
mod concurrent;
#[cfg(test)]
mod concurrent_tests;
mod connection;
mod handle_memory;
mod outcome;
mod state;
mod target;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, Uri};
use hyper::client::conn::http1;
use tokio::time::timeout;
use wasmtime::component::Linker;
use wasmtime_wasi::runtime::spawn;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode as ErrorCode3;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

pub(crate) use concurrent::link as link_0_3;
use handle_memory::{HandleMemory, HeldBytes};
pub(crate) use state::HttpState;
pub(crate) use wasmtime_wasi_http::WasiHttpView as HttpView;

use body::{TimeoutBody, WithoutTrailers};
use outcome::Outcome;
use target::Target;

use crate::wasi::HasWasi;
use crate::wasi::descriptors::DescriptorBudget;
use crate::wasi::network::Guard;

/// The interfaces that [`link`] links.
pub(super) const INTERFACES: [&str; 2] = ["wasi:http/outgoing-handler", "wasi:http/types"];

/// The interfaces that [`link_0_3`] links.
pub(super) const INTERFACES_0_3: [&str; 2] = ["wasi:http/client", "wasi:http/types"];

/// Maximum duration of each step of a request; longer timeouts of the guest are reduced to
/// it. A guest waits no longer than its call may take, so this ends abandoned requests.
const MAX_TIMEOUT: Duration = Duration::from_secs(600);

/// Maximum bytes of a response that are read ahead, headers included.
const READ_AHEAD: usize = 64 * 1024;

/// Maximum bytes that a guest may write to the body of a request at once.
const CHUNK: usize = 64 * 1024;

type Work<R> = Box<dyn Future<Output = Outcome<R>> + Send>;

pub(crate) fn link<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_sync(linker)?;
    handle_memory::link(linker)
}

/// Sends the requests of one instance.
pub(crate) struct Outgoing {
    guard: Guard,
    budget: Arc<DescriptorBudget>,
    /// What the next request holds until its response was received, with WASI 0.3.
    held: Option<HeldBytes>,
}

impl Outgoing {
    pub(crate) fn new(guard: Guard, budget: Arc<DescriptorBudget>) -> Self {
        Self {
            guard,
            budget,
            held: None,
        }
    }
}

impl WasiHttpHooks for Outgoing {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _sent: Work<()>,
    ) -> Work<(Response<WasiBody>, Work<()>)> {
        let (guard, budget, held) = (self.guard.clone(), self.budget.clone(), self.held.take());
        let options = options.unwrap_or_default();
        Box::new(send(guard, budget, held, request, options))
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }

    fn p2_error_from_hyper(&mut self, error: &hyper::Error) -> ErrorCode {
        match is_incomplete(error) {
            true => ErrorCode::HttpResponseIncomplete,
            false => ErrorCode::HttpProtocolError,
        }
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }

    fn p3_error_from_hyper(&mut self, error: &hyper::Error) -> ErrorCode3 {
        match is_incomplete(error) {
            true => ErrorCode3::HttpResponseIncomplete,
            false => ErrorCode3::HttpProtocolError,
        }
    }
}

fn is_incomplete(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed()
}

/// Sends a request and waits for the head of its response. The returned future transfers
/// the body; dropping it ends the transfer.
async fn send(
    guard: Guard,
    budget: Arc<DescriptorBudget>,
    held: Option<HeldBytes>,
    mut request: Request<WasiBody>,
    options: RequestOptions,
) -> Outcome<(Response<WasiBody>, Work<()>)> {
    let target = Target::of(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
    *request.uri_mut() = path_of(request.uri())?;
    let permit = budget.take(1).map_err(|_| Error::ConnectionLimitReached)?;
    let connecting = connection::open(guard, target);
    let stream = timeout(limited(options.connect_timeout), connecting)
        .await
        .map_err(|_| Error::ConnectionTimeout)??;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(READ_AHEAD)
        .handshake(TokioIo::new(stream))
        .await?;
    // Held until the connection is closed.
    let worker = spawn(async move {
        let result = connection.await;
        drop(permit);
        result
    });
    let first_byte = limited(options.first_byte_timeout);
    let response = timeout(
        first_byte,
        sender.send_request(request.map(WithoutTrailers)),
    )
    .await
    .map_err(|_| Error::ConnectionReadTimeout)??;
    let between_bytes = limited(options.between_bytes_timeout);
    let response = response.map(|body| WasiBody::new(TimeoutBody::new(body, between_bytes, held)));
    let work = async move {
        match worker.await {
            Err(error) if is_missing_close_notify(&error) => Ok(()),
            done => Ok(done?),
        }
    };
    Ok((response, Box::new(work)))
}

/// Whether a server closed the connection without TLS's `close_notify`, as many do. If the
/// response was not complete, its body has an error of its own.
fn is_missing_close_notify(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    let source = source.and_then(|it| it.downcast_ref::<std::io::Error>());
    source.is_some_and(|it| it.kind() == std::io::ErrorKind::UnexpectedEof)
}

/// Returns the target for the request line: path and query only, because the authority is
/// in the `host` header.
fn path_of(uri: &Uri) -> Outcome<Uri> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    path.parse().map_err(|_| Error::HttpRequestUriInvalid)
}

fn limited(timeout: Option<Duration>) -> Duration {
    timeout.unwrap_or(MAX_TIMEOUT).min(MAX_TIMEOUT)
}
