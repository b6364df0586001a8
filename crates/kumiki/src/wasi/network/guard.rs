//! Checks each address against the grants before a socket or a request uses it, whatever
//! name it came from.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

use super::interfaces;
use crate::observer::{Event, Observer};
use crate::permissions::{granted_names, is_allowed, is_public};
#[cfg(feature = "http")]
use crate::wasi::network::resolver::Failure;
use crate::wasi::network::resolver::{self, Lookup};
use crate::{Denial, NetworkGrant};

/// Why a guest cannot reach an address or name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    /// It is not granted.
    Denied,
    /// The lookup of the name failed.
    #[cfg(feature = "http")]
    Failed(Failure),
}

/// Checks the sockets and requests of one instance against its grants, and reports
/// denials.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) plugin: Arc<str>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) grants: Arc<[NetworkGrant]>,
    /// The plugin's quota of lookups.
    pub(crate) lookups: Arc<resolver::LookupQuota>,
    /// The result of the instance's last lookup of each name. Only granted names are looked
    /// up, so there are at most as many entries as grants.
    pub(crate) resolved: Arc<Mutex<HashMap<String, Arc<[IpAddr]>>>>,
}

impl Guard {
    pub(crate) fn configure(self, wasi: &mut WasiCtxBuilder) {
        wasi.allow_tcp(true)
            .allow_udp(true)
            .socket_addr_check(move |address, usage| {
                let allowed = self.check(address, usage);
                Box::pin(std::future::ready(allowed))
            });
    }

    fn check(&self, address: SocketAddr, usage: SocketAddrUse) -> bool {
        match usage {
            // A socket that connects is first bound to the unspecified address and port 0.
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
                address.ip().is_unspecified() && address.port() == 0
            }
            SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => false,
            SocketAddrUse::TcpConnect => {
                self.was_resolved(address) || self.check_address(address).is_ok()
            }
            SocketAddrUse::UdpSend => self.check_address(address).is_ok(),
            // Not reported, because the sender caused it and not the guest.
            SocketAddrUse::UdpReceive => self.allows(address),
        }
    }

    /// Checks that the guest may reach an address, without looking up names. Returns the
    /// address in the form of [`Guard::resolve`].
    pub(crate) fn check_address(
        &self,
        address: SocketAddr,
    ) -> Result<Vec<SocketAddr>, Unreachable> {
        if self.allows(address) {
            return Ok(vec![address]);
        }
        self.report_network(&NetworkGrant::exactly(address));
        Err(Unreachable::Denied)
    }

    /// Looks up a name and returns those of its addresses that the guest may reach. Connect
    /// to these without another lookup, which could return other addresses.
    #[cfg(feature = "http")]
    pub(crate) async fn resolve(
        &self,
        name: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, Unreachable> {
        let grant = NetworkGrant::of_name(name, port).ok_or(Unreachable::Denied)?;
        if !self.grants_name(&grant) {
            self.report_network(&grant);
            return Err(Unreachable::Denied);
        }
        let found = resolver::look_up(name, &self.lookups).answer().await;
        let found = found.map_err(Unreachable::Failed)?;
        let resolved = |other: &str, address| grant.is_name(other) && found.contains(&address);
        let local = interfaces::local_networks();
        let addresses = found.iter().map(|ip| SocketAddr::new(*ip, port));
        let allowed: Vec<_> = addresses
            .filter(|address| is_allowed(&self.grants, *address, &local, resolved))
            .collect();
        if allowed.is_empty() {
            // An address that is not public needs a grant of its own.
            let not_public = found.first().filter(|first| !is_public(**first, &local));
            self.report_network(&match not_public {
                Some(first) => NetworkGrant::exactly(SocketAddr::new(*first, port)),
                None => grant,
            });
            return Err(Unreachable::Denied);
        }
        Ok(allowed)
    }

    fn allows(&self, address: SocketAddr) -> bool {
        let local = interfaces::local_networks();
        is_allowed(&self.grants, address, &local, |_, _| false)
    }

    /// Whether the guest's last lookup of a granted name returned an address.
    fn was_resolved(&self, address: SocketAddr) -> bool {
        let results = self.resolved.lock().unwrap_or_else(PoisonError::into_inner);
        if results.is_empty() {
            return false;
        }
        let resolved =
            |name: &str, address| results.get(name).is_some_and(|all| all.contains(&address));
        let local = interfaces::local_networks();
        is_allowed(&self.grants, address, &local, resolved)
    }

    /// Records the result of the guest's lookup of a name. It replaces an earlier one.
    pub(crate) fn record_lookup(&self, name: String, addresses: Arc<[IpAddr]>) {
        let mut results = self.resolved.lock().unwrap_or_else(PoisonError::into_inner);
        results.insert(name, addresses);
    }

    /// Starts a lookup of a name for the guest. Returns the name as grants spell it and the
    /// lookup, or `None` if the name is not granted or not valid in a grant.
    pub(crate) fn look_up(&self, name: &str) -> Option<(String, Lookup)> {
        let grant = NetworkGrant::name_on_all_ports(name)?;
        if !self.grants_name(&grant) {
            self.report_network(&grant);
            return None;
        }
        let name = grant.name()?;
        Some((name.to_owned(), resolver::look_up(name, &self.lookups)))
    }

    /// Whether the name of `grant` is granted, on any ports.
    fn grants_name(&self, grant: &NetworkGrant) -> bool {
        granted_names(&self.grants).any(|name| grant.is_name(name))
    }

    fn report_network(&self, grant: &NetworkGrant) {
        self.report(Denial::Network(grant));
    }

    /// Whether any network access is granted.
    pub(crate) fn grants_anything(&self) -> bool {
        !self.grants.is_empty()
    }

    /// Reports a denial to the observer.
    pub(crate) fn report(&self, denial: Denial<'_>) {
        self.observer.event(&Event::Denied {
            plugin: &self.plugin,
            denial,
        });
    }
}
