//! Requests that guests send by `wasi:http`: to where the grants of the network
//! say, over HTTP/1.1, with TLS where the guest asks for `https`. The host adds
//! nothing of its own: it follows no redirect, asks no proxy, keeps no cookie.

mod body;
mod connection;
mod handle_memory;
mod outcome;
mod target;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, Uri};
use hyper::client::conn::http1;
use tokio::time::timeout;
use wasmtime_wasi::runtime::spawn;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

pub(crate) use handle_memory::{HandleMemory, link};

use body::PatientBody;
use outcome::Outcome;
use target::Target;

use crate::wasi::descriptors::Budget;
use crate::wasi::network::Guard;

/// How long any one step of a request may take, and what the guest asks for
/// beyond it is cut to. A guest waits no longer than its call may take: this is
/// for requests that were left behind.
const PATIENCE: Duration = Duration::from_secs(600);

/// The most that is read ahead of one response, its headers included.
const READ_AHEAD: usize = 64 * 1024;

/// The most that a guest may write to the body of a request at once.
const CHUNK: usize = 64 * 1024;

type Work<R> = Box<dyn Future<Output = Outcome<R>> + Send>;

/// Sends the requests of one instance.
pub(crate) struct Outgoing {
    guard: Guard,
    budget: Arc<Budget>,
}

impl Outgoing {
    pub(crate) fn new(guard: Guard, budget: Arc<Budget>) -> Self {
        Self { guard, budget }
    }
}

impl WasiHttpHooks for Outgoing {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _sent: Work<()>,
    ) -> Work<(Response<WasiBody>, Work<()>)> {
        let (guard, budget) = (self.guard.clone(), self.budget.clone());
        Box::new(send(guard, budget, request, options.unwrap_or_default()))
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }

    fn p2_error_from_hyper(&mut self, error: &hyper::Error) -> ErrorCode {
        if error.is_incomplete_message() || error.is_closed() {
            return ErrorCode::HttpResponseIncomplete;
        }
        ErrorCode::HttpProtocolError
    }
}

/// Sends a request and waits for the head of its response. The work that is
/// left moves the body, and ends when it is dropped.
async fn send(
    guard: Guard,
    budget: Arc<Budget>,
    mut request: Request<WasiBody>,
    options: RequestOptions,
) -> Outcome<(Response<WasiBody>, Work<()>)> {
    let target = Target::of(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
    *request.uri_mut() = path_of(request.uri())?;
    let permit = budget.take(1).map_err(|_| Error::ConnectionLimitReached)?;
    let connecting = connection::open(guard, target);
    let stream = timeout(patience(options.connect_timeout), connecting)
        .await
        .map_err(|_| Error::ConnectionTimeout)??;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(READ_AHEAD)
        .handshake(TokioIo::new(stream))
        .await?;
    // The connection counts for as long as it is open.
    let worker = spawn(async move {
        let result = connection.await;
        drop(permit);
        result
    });
    let first_byte = patience(options.first_byte_timeout);
    let response = timeout(first_byte, sender.send_request(request))
        .await
        .map_err(|_| Error::ConnectionReadTimeout)??;
    let between_bytes = patience(options.between_bytes_timeout);
    let response = response.map(|body| WasiBody::new(PatientBody::new(body, between_bytes)));
    let work = async move { Ok(worker.await?) };
    Ok((response, Box::new(work)))
}

/// What stands in the first line of a request: whom it is for stands in `host`.
fn path_of(uri: &Uri) -> Outcome<Uri> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    path.parse().map_err(|_| Error::HttpRequestUriInvalid)
}

fn patience(asked: Option<Duration>) -> Duration {
    asked.unwrap_or(PATIENCE).min(PATIENCE)
}
