//! A connection to where a request may go: to the very addresses that were
//! checked, so that nobody who owns a name can answer otherwise in between.

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

/// What bytes go to and come from.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects, where the guard says that the guest may.
pub(super) async fn open(guard: Guard, target: Target) -> Outcome<Box<dyn Stream>> {
    let addresses = match &target.host {
        TargetHost::Address(ip) => guard.address(SocketAddr::new(*ip, target.port)),
        TargetHost::Name(name) => guard.name(name, target.port).await,
    };
    let addresses = addresses.map_err(|reason| match reason {
        Unreachable::Denied => Error::HttpRequestDenied,
        Unreachable::Failed(Failure::Unknown) => Error::DnsError {
            rcode: Some("NXDOMAIN".into()),
            info_code: None,
        },
        Unreachable::Failed(Failure::Unavailable) => Error::DnsTimeout,
    })?;
    let stream = TcpStream::connect(&*addresses).await.map_err(failed)?;
    if target.secure {
        return Ok(Box::new(tls::secure(stream, &target.host).await?));
    }
    Ok(Box::new(stream))
}

fn failed(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        ErrorKind::TimedOut => Error::ConnectionTimeout,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Error::DestinationIpUnroutable
        }
        _ => Error::Connect(error),
    }
}
