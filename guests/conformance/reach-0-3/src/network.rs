//! Sockets and lookups of names.

use std::net::{IpAddr, SocketAddr};

use wasip3::sockets::ip_name_lookup::{self, resolve_addresses};
use wasip3::sockets::types::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
    TcpSocket, UdpSocket,
};

use crate::{Outcome, joined};

fn kind(code: ErrorCode) -> String {
    match code {
        ErrorCode::AccessDenied => "PermissionDenied".into(),
        ErrorCode::ConnectionRefused => "ConnectionRefused".into(),
        other => format!("{other:?}"),
    }
}

fn parse(address: &str) -> Result<SocketAddr, String> {
    address.parse().map_err(|_| "InvalidInput".into())
}

fn family(address: &SocketAddr) -> IpAddressFamily {
    match address {
        SocketAddr::V4(_) => IpAddressFamily::Ipv4,
        SocketAddr::V6(_) => IpAddressFamily::Ipv6,
    }
}

fn socket_address(address: SocketAddr) -> IpSocketAddress {
    match address {
        SocketAddr::V4(v4) => IpSocketAddress::Ipv4(Ipv4SocketAddress {
            port: v4.port(),
            address: v4.ip().octets().into(),
        }),
        SocketAddr::V6(v6) => IpSocketAddress::Ipv6(Ipv6SocketAddress {
            port: v6.port(),
            flow_info: v6.flowinfo(),
            address: v6.ip().segments().into(),
            scope_id: v6.scope_id(),
        }),
    }
}

async fn look_up(name: &str) -> Result<Vec<IpAddr>, String> {
    let found = resolve_addresses(name.to_owned()).await;
    let found = found.map_err(|code| match code {
        ip_name_lookup::ErrorCode::AccessDenied => "PermissionDenied".to_owned(),
        other => format!("{other:?}"),
    })?;
    let addresses = found.into_iter().map(|address| match address {
        IpAddress::Ipv4(v4) => IpAddr::from(<[u8; 4]>::from(v4)),
        IpAddress::Ipv6(v6) => IpAddr::from(<[u16; 8]>::from(v6)),
    });
    Ok(addresses.collect())
}

pub(crate) async fn resolve(name: &str) -> Outcome {
    let addresses = look_up(name).await?;
    Ok(joined(addresses.iter().map(ToString::to_string)))
}

/// What whoever answers at an address, or at the name before a port, says first.
pub(crate) async fn connect(address: &str) -> Outcome {
    let mut addresses = Vec::new();
    match address.parse() {
        Ok(address) => addresses.push(address),
        Err(_) => {
            let (name, port) = address.rsplit_once(':').ok_or("InvalidInput")?;
            let port = port.parse().map_err(|_| "InvalidInput".to_owned())?;
            let found = look_up(name).await?.into_iter();
            addresses.extend(found.map(|ip| SocketAddr::new(ip, port)));
        }
    }
    let mut outcome = Err("NotFound".into());
    for address in addresses {
        outcome = greeting(address).await;
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

async fn greeting(address: SocketAddr) -> Outcome {
    let socket = TcpSocket::create(family(&address)).map_err(kind)?;
    socket
        .connect(socket_address(address))
        .await
        .map_err(kind)?;
    let (stream, ended) = socket.receive();
    let bytes = stream.collect().await;
    ended.await.map_err(kind)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(crate) async fn send(address: &str) -> Outcome {
    let address = parse(address)?;
    let socket = UdpSocket::create(family(&address)).map_err(kind)?;
    let sent = socket.send(b"hello".to_vec(), Some(socket_address(address)));
    sent.await.map_err(kind)?;
    Ok("done".into())
}

pub(crate) fn listen(address: &str) -> Outcome {
    let address = parse(address)?;
    let socket = TcpSocket::create(family(&address)).map_err(kind)?;
    socket.bind(socket_address(address)).map_err(kind)?;
    socket.listen().map_err(kind)?;
    Ok("done".into())
}
