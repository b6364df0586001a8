//! Requests by `wasi:http`.

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme};
use wasip3::wit_bindgen::{StreamReader, StreamResult};
use wasip3::{wit_future, wit_stream};

use crate::Outcome;

/// The most that is read at once.
const PIECE: usize = 64 * 1024;

/// Sends `body` to a URL, or asks for it where there is none, and says the status and how
/// many bytes answered; the bytes themselves, where they are few.
pub(crate) async fn fetch(url: &str, body: Option<&str>, first_byte: Option<u64>) -> Outcome {
    let answer = answer(url, body, first_byte).await;
    answer.map_err(|error| format!("{error:?}"))
}

async fn answer(
    url: &str,
    body: Option<&str>,
    first_byte: Option<u64>,
) -> Result<String, ErrorCode> {
    let options = RequestOptions::new();
    let _ = options.set_first_byte_timeout(first_byte);
    let contents = body.map(|text| {
        let (mut writer, reader) = wit_stream::new();
        let bytes = text.as_bytes().to_vec();
        // The response says what became of it.
        wit_bindgen::spawn_local(async move {
            writer.write_all(bytes).await;
        });
        reader
    });
    let request = request(url, contents, options)?;
    request
        .set_method(&body.map_or(Method::Get, |_| Method::Post))
        .map_err(invalid)?;
    read(client::send(request).await?).await
}

fn invalid((): ()) -> ErrorCode {
    ErrorCode::HttpRequestUriInvalid
}

fn request(
    url: &str,
    contents: Option<StreamReader<u8>>,
    options: RequestOptions,
) -> Result<Request, ErrorCode> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let path = rest.find('/').unwrap_or(rest.len());
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(Fields::new(), contents, trailers, Some(options));
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request
        .set_authority(Some(&rest[..path]))
        .map_err(invalid)?;
    let path = match &rest[path..] {
        "" => "/",
        path => path,
    };
    request.set_path_with_query(Some(path)).map_err(invalid)?;
    Ok(request)
}

async fn read(response: Response) -> Result<String, ErrorCode> {
    let status = response.get_status_code();
    let (_, received) = wit_future::new(|| Ok(()));
    let (mut stream, trailers) = Response::consume_body(response, received);
    let (mut count, mut text) = (0, String::new());
    loop {
        let (result, bytes) = stream.read(Vec::with_capacity(PIECE)).await;
        count += bytes.len();
        if count <= 100 {
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
        if let StreamResult::Dropped = result {
            break;
        }
    }
    trailers.await?;
    Ok(format!("{status} {count} {text}"))
}
