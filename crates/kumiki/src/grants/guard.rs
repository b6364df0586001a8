//! Who asks before a socket is used or a request is sent: each address, whatever
//! name led to it.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::runtime::spawn_blocking;
use wasmtime_wasi::sockets::SocketAddrUse;

use super::network::{allow, names};
use super::range::special;
use super::{Denial, NetworkGrant};
use crate::observer::{Event, Observer};

/// Why a guest does not reach what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    /// It was not granted.
    Denied,
    /// Nobody knows the name.
    Unknown,
}

/// Watches the sockets and the requests of one instance.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(super) plugin: Arc<str>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) grants: Arc<[NetworkGrant]>,
}

impl Guard {
    pub(super) fn give(self, wasi: &mut WasiCtxBuilder) {
        wasi.allow_tcp(true)
            .allow_udp(true)
            // Which names is asked by `Lookups`.
            .allow_ip_name_lookup(true)
            .socket_addr_check(move |address, usage| {
                let guard = self.clone();
                Box::pin(async move { guard.check(address, usage).await })
            });
    }

    async fn check(self, address: SocketAddr, usage: SocketAddrUse) -> bool {
        match usage {
            // A socket that connects is bound first, to no address at all.
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
                address.ip().is_unspecified() && address.port() == 0
            }
            SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => false,
            SocketAddrUse::TcpConnect | SocketAddrUse::UdpSend => {
                self.address(address).await.is_ok()
            }
            // What others send is dropped in silence: the guest did nothing.
            SocketAddrUse::UdpReceive => self.allows(address).await,
        }
    }

    /// Whether the guest may reach an address: itself, so that it stands beside
    /// what [`Guard::name`] finds.
    pub(crate) async fn address(
        &self,
        address: SocketAddr,
    ) -> Result<Vec<SocketAddr>, Unreachable> {
        if self.clone().allows(address).await {
            return Ok(vec![address]);
        }
        self.denied(&NetworkGrant::exactly(address));
        Err(Unreachable::Denied)
    }

    /// The addresses that a name has now and that the guest may reach. Whoever
    /// connects to these and asks nobody again is led nowhere else.
    pub(crate) async fn name(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, Unreachable> {
        let grant = NetworkGrant::of_name(name, port).ok_or(Unreachable::Denied)?;
        if !self.names(&grant) {
            self.denied(&grant);
            return Err(Unreachable::Denied);
        }
        let owned = name.to_owned();
        let found = spawn_blocking(move || addresses_of(&owned)).await;
        let first = *found.first().ok_or(Unreachable::Unknown)?;
        let leads = |other: &str| match grant.is_name(other) {
            true => found.clone(),
            false => Vec::new(),
        };
        let addresses = found.iter().map(|ip| SocketAddr::new(*ip, port));
        let allowed: Vec<_> = addresses
            .filter(|address| allow(&self.grants, *address, leads))
            .collect();
        if allowed.is_empty() {
            // No name allows an address that is not public.
            self.denied(&match special(first) {
                Some(_) => NetworkGrant::exactly(SocketAddr::new(first, port)),
                None => grant,
            });
            return Err(Unreachable::Denied);
        }
        Ok(allowed)
    }

    /// Answers at once where no name is to be asked for: a datagram that has
    /// to wait is reported as sent before it is denied.
    async fn allows(self, address: SocketAddr) -> bool {
        if allow(&self.grants, address, |_| Vec::new()) {
            return true;
        }
        if names(&self.grants).next().is_none() {
            return false;
        }
        spawn_blocking(move || allow(&self.grants, address, addresses_of)).await
    }

    /// Whether the guest may ask for the addresses of a name. What is written
    /// otherwise than a grant's name can be is none that was granted.
    pub(super) fn allows_name(&self, name: &str) -> bool {
        if name.parse::<IpAddr>().is_ok() {
            // Nobody is asked for what is an address already.
            return true;
        }
        let Some(grant) = NetworkGrant::name_on_all_ports(name) else {
            return false;
        };
        let allowed = self.names(&grant);
        if !allowed {
            self.denied(&grant);
        }
        allowed
    }

    /// Whether the name of `grant` is granted, on whatever ports.
    fn names(&self, grant: &NetworkGrant) -> bool {
        names(&self.grants).any(|name| grant.is_name(name))
    }

    fn denied(&self, grant: &NetworkGrant) {
        self.tell(Denial::Network(grant));
    }

    /// Whether anything of the network is granted.
    pub(super) fn grants_anything(&self) -> bool {
        !self.grants.is_empty()
    }

    /// Tells the observer what the guest was denied.
    pub(super) fn tell(&self, denial: Denial<'_>) {
        self.observer.event(&Event::Denied {
            plugin: &self.plugin,
            denial,
        });
    }
}

/// The addresses that a name has now; none where nobody knows it.
fn addresses_of(name: &str) -> Vec<IpAddr> {
    let found = (name, 0).to_socket_addrs().into_iter().flatten();
    found.map(|address| address.ip().to_canonical()).collect()
}
