//! Who asks before a socket is used or a request is sent: each address, whatever
//! name led to it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

use super::interfaces;
use crate::observer::{Event, Observer};
use crate::permissions::{allow, is_public, names};
use crate::wasi::network::resolver::{self, Failure, Lookup};
use crate::{Denial, NetworkGrant};

/// Why a guest does not reach what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    /// It was not granted.
    Denied,
    /// The name has no addresses.
    Failed(Failure),
}

/// Watches the sockets and the requests of one instance.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) plugin: Arc<str>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) grants: Arc<[NetworkGrant]>,
    /// What this plugin looks up.
    pub(crate) lookups: Arc<resolver::LookupQuota>,
    /// What the instance's last lookup of each name gave. Only names that are
    /// granted are looked up, so there are no more than grants.
    pub(crate) led: Arc<Mutex<HashMap<String, Arc<[IpAddr]>>>>,
}

impl Guard {
    pub(crate) fn give(self, wasi: &mut WasiCtxBuilder) {
        wasi.allow_tcp(true)
            .allow_udp(true)
            .socket_addr_check(move |address, usage| {
                let allowed = self.check(address, usage);
                Box::pin(std::future::ready(allowed))
            });
    }

    fn check(&self, address: SocketAddr, usage: SocketAddrUse) -> bool {
        match usage {
            // A socket that connects is bound first, to no address at all.
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
                address.ip().is_unspecified() && address.port() == 0
            }
            SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => false,
            SocketAddrUse::TcpConnect => self.led_to(address) || self.address(address).is_ok(),
            SocketAddrUse::UdpSend => self.address(address).is_ok(),
            // What others send is dropped in silence: the guest did nothing.
            SocketAddrUse::UdpReceive => self.allows(address),
        }
    }

    /// Whether the guest may reach an address: itself, so that it stands beside
    /// what [`Guard::name`] finds. No name is asked for.
    pub(crate) fn address(&self, address: SocketAddr) -> Result<Vec<SocketAddr>, Unreachable> {
        if self.allows(address) {
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
        let found = resolver::look_up(name, &self.lookups).answer().await;
        let found = found.map_err(Unreachable::Failed)?;
        let leads = |other: &str, address| grant.is_name(other) && found.contains(&address);
        let links = interfaces::links();
        let addresses = found.iter().map(|ip| SocketAddr::new(*ip, port));
        let allowed: Vec<_> = addresses
            .filter(|address| allow(&self.grants, *address, &links, leads))
            .collect();
        if allowed.is_empty() {
            // No name allows an address that is not public.
            let hidden = found.first().filter(|first| !is_public(**first, &links));
            self.denied(&match hidden {
                Some(first) => NetworkGrant::exactly(SocketAddr::new(*first, port)),
                None => grant,
            });
            return Err(Unreachable::Denied);
        }
        Ok(allowed)
    }

    fn allows(&self, address: SocketAddr) -> bool {
        allow(&self.grants, address, &interfaces::links(), |_, _| false)
    }

    /// Whether a granted name led the guest to an address.
    fn led_to(&self, address: SocketAddr) -> bool {
        let led = self.led.lock().unwrap_or_else(PoisonError::into_inner);
        let leads = |name: &str, address| led.get(name).is_some_and(|all| all.contains(&address));
        !led.is_empty() && allow(&self.grants, address, &interfaces::links(), leads)
    }

    /// Notes where a name has led the guest, in the place of what it was led to
    /// before.
    pub(crate) fn lead(&self, name: String, addresses: Arc<[IpAddr]>) {
        let mut led = self.led.lock().unwrap_or_else(PoisonError::into_inner);
        led.insert(name, addresses);
    }

    /// Begins to look a name up for the guest, and says how grants write it;
    /// none where the guest may not ask for it. What is written otherwise than a
    /// grant's name can be is none that was granted.
    pub(crate) fn look_up(&self, name: &str) -> Option<(String, Lookup)> {
        let grant = NetworkGrant::name_on_all_ports(name)?;
        if !self.names(&grant) {
            self.denied(&grant);
            return None;
        }
        let name = grant.name()?;
        Some((name.to_owned(), resolver::look_up(name, &self.lookups)))
    }

    /// Whether the name of `grant` is granted, on whatever ports.
    fn names(&self, grant: &NetworkGrant) -> bool {
        names(&self.grants).any(|name| grant.is_name(name))
    }

    fn denied(&self, grant: &NetworkGrant) {
        self.tell(Denial::Network(grant));
    }

    /// Whether anything of the network is granted.
    pub(crate) fn grants_anything(&self) -> bool {
        !self.grants.is_empty()
    }

    /// Tells the observer what the guest was denied.
    pub(crate) fn tell(&self, denial: Denial<'_>) {
        self.observer.event(&Event::Denied {
            plugin: &self.plugin,
            denial,
        });
    }
}
