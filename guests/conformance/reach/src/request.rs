//! Requests by `wasi:http`, which Rust's own library does not know.

use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme,
};
use wasip2::io::streams::StreamError;

/// The most that is read at once.
const PIECE: u64 = 64 * 1024;

/// Sends `body` to a URL, or asks for it where there is none, and says the
/// status and how many bytes answered; the bytes themselves, where they are few.
pub(crate) fn fetch(url: &str, body: Option<&str>, first_byte: Option<u64>) -> String {
    match answer(url, body, first_byte) {
        Ok(text) => text,
        Err(error) => format!("error: {error:?}"),
    }
}

fn answer(url: &str, body: Option<&str>, first_byte: Option<u64>) -> Result<String, ErrorCode> {
    let options = RequestOptions::new();
    let _ = options.set_first_byte_timeout(first_byte);
    let request = request(url, body.map_or(Method::Get, |_| Method::Post))?;
    let outgoing = request.body().map_err(|()| ErrorCode::HttpProtocolError)?;
    let future = handle(request, Some(options))?;
    if let Some(text) = body {
        let stream = outgoing
            .write()
            .map_err(|()| ErrorCode::HttpProtocolError)?;
        // The response says what became of it.
        let _ = stream.blocking_write_and_flush(text.as_bytes());
    }
    OutgoingBody::finish(outgoing, None)?;
    future.subscribe().block();
    let response = future.get().and_then(Result::ok);
    read(&response.ok_or(ErrorCode::HttpProtocolError)??)
}

fn request(url: &str, method: Method) -> Result<OutgoingRequest, ErrorCode> {
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let path = rest.find('/').unwrap_or(rest.len());
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let request = OutgoingRequest::new(Fields::new());
    request.set_method(&method).map_err(invalid)?;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request
        .set_authority(Some(&rest[..path]))
        .map_err(invalid)?;
    if path < rest.len() {
        request
            .set_path_with_query(Some(&rest[path..]))
            .map_err(invalid)?;
    }
    Ok(request)
}

fn read(response: &IncomingResponse) -> Result<String, ErrorCode> {
    let body = response
        .consume()
        .map_err(|()| ErrorCode::HttpProtocolError)?;
    let stream = body.stream().map_err(|()| ErrorCode::HttpProtocolError)?;
    let (mut count, mut text) = (0, String::new());
    loop {
        match stream.blocking_read(PIECE) {
            Ok(bytes) => {
                count += bytes.len();
                if count <= 100 {
                    text.push_str(&String::from_utf8_lossy(&bytes));
                }
            }
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => {
                let code = wasip2::http::types::http_error_code(&error);
                return Err(code.unwrap_or(ErrorCode::InternalError(None)));
            }
        }
    }
    Ok(format!("{} {count} {text}", response.status()))
}
