//! An HTTP server on the loopback address. The path of a request selects the response.
//! The server runs until the tests end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Failed;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Size of the response to `/large` in bytes.
pub(crate) const LARGE: usize = 64 * 1024 * 1024;

/// A server without TLS.
pub(crate) fn plain() -> Result<SocketAddr, Failed> {
    serve(Some)
}

/// A server with TLS, and its self-signed certificate for `name`, as PEM.
pub(crate) fn secure(name: &str) -> Result<(SocketAddr, String), Failed> {
    let own = rcgen::generate_simple_self_signed([name.to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)?;
    let config = Arc::new(config);
    let address = serve(move |stream| {
        let connection = ServerConnection::new(config.clone()).ok()?;
        Some(StreamOwned::new(connection, stream))
    })?;
    Ok((address, own.cert.pem()))
}

fn serve<S: Read + Write + Send + 'static>(
    open: impl Fn(std::net::TcpStream) -> Option<S> + Send + 'static,
) -> Result<SocketAddr, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Some(stream) = open(stream) else { continue };
            // The client may have closed the connection.
            std::thread::spawn(move || answer(stream));
        }
    });
    Ok(address)
}

fn answer(mut stream: impl Read + Write) -> std::io::Result<()> {
    let head = read_head(&mut stream)?;
    let path = head.split(' ').nth(1).unwrap_or_default();
    match path {
        "/" => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nwelcome")?,
        "/elsewhere" => {
            stream.write_all(b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n")?
        }
        "/echo" => {
            let body = read_chunks(&mut stream)?;
            let host = head.lines().find_map(|line| line.strip_prefix("host: "));
            let text = format!(
                "{}|{}|{body}",
                head.lines().next().unwrap_or(""),
                host.unwrap_or("")
            );
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}",
                text.len()
            )?;
        }
        "/large" => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n")?;
            let piece = [b'x'; 64 * 1024];
            for _ in 0..LARGE / piece.len() {
                stream.write_all(&piece)?;
            }
        }
        "/headers" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            for number in 0..100_000 {
                write!(stream, "x-{number}: {number}\r\n")?;
            }
        }
        "/half" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf.")?;
            stream.flush()?;
            std::thread::sleep(Duration::from_secs(60));
        }
        "/cut" => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf.")?,
        "/nonsense" => stream.write_all(b"220 mail.example ready\r\n\r\n")?,
        "/gone" => {}
        // `/silence`: sends nothing and keeps the connection open.
        _ => std::thread::sleep(Duration::from_secs(60)),
    }
    stream.flush()
}

fn read_head(stream: &mut impl Read) -> std::io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).to_lowercase())
}

/// Reads a body of one chunk.
fn read_chunks(stream: &mut impl Read) -> std::io::Result<String> {
    let (mut text, mut byte) = (Vec::new(), [0]);
    while !text.ends_with(b"0\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        text.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(text.lines().nth(1).unwrap_or_default().to_owned())
}
