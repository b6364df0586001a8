//! The connection of a request. It goes to exactly the addresses that were checked, so
//! that the owner of a name cannot return other addresses to a second lookup.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use wasmtime_wasi_http::Error;

use super::outcome::Outcome;
use super::target::{Target, TargetHost};
use super::tls;
use crate::wasi::network::resolver::Failure;
use crate::wasi::network::{Guard, Unreachable};

/// A byte stream to a server, with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects to the target, if the grants allow it.
pub(super) async fn open(guard: Guard, target: Target) -> Outcome<Box<dyn Stream>> {
    let addresses = match &target.host {
        TargetHost::Address(ip) => guard.check_address(SocketAddr::new(*ip, target.port)),
        TargetHost::Name(name) => guard.resolve(name, target.port).await,
    };
    let addresses = addresses.map_err(|reason| match reason {
        Unreachable::Denied => Error::HttpRequestDenied,
        Unreachable::Failed(Failure::Unknown) => Error::DnsError {
            rcode: Some("NXDOMAIN".into()),
            info_code: None,
        },
        Unreachable::Failed(Failure::Unavailable) => Error::DnsTimeout,
    })?;
    let stream = TcpStream::connect(&*addresses)
        .await
        .map_err(connect_error)?;
    if target.secure {
        return Ok(Box::new(tls::secure(stream, &target.host).await?));
    }
    Ok(Box::new(stream))
}

fn connect_error(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        ErrorKind::TimedOut => Error::ConnectionTimeout,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Error::DestinationIpUnroutable
        }
        _ => Error::Connect(error),
    }
}
