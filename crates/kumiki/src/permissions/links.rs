//! The networks that this machine is part of: its own addresses, and those that
//! share a link with it. They are not of the public network, whatever their
//! addresses look like.

use std::net::IpAddr;
use std::sync::Arc;

use super::range::{Range, special};

/// The shortest prefixes that are taken for a link. A shorter one stands for a
/// tunnel that takes everything: its own address is meant.
const SHORTEST_V4: u8 = 8;
const SHORTEST_V6: u8 = 16;

/// Networks outside of those that are special anyway; none while they are unknown: then
/// any address may be this machine's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Links(Option<Arc<[Range]>>);

impl Links {
    /// Any address may be this machine's.
    pub(crate) fn unknown() -> Self {
        Self(None)
    }

    pub(crate) fn of(networks: impl IntoIterator<Item = (IpAddr, u8)>) -> Self {
        let links = networks
            .into_iter()
            .map(|(address, prefix)| (address.to_canonical(), prefix))
            .filter(|(address, _)| special(*address).is_none());
        let links = links.map(|(address, prefix)| link(address, prefix));
        Self(Some(links.collect()))
    }

    /// Whether an address is this machine's or shares a link with it, or may be
    /// while they are unknown.
    pub(crate) fn have(&self, address: IpAddr) -> bool {
        let Some(links) = &self.0 else {
            return true;
        };
        links.iter().any(|link| link.contains(address))
    }

    /// Whether `range` lies within one of them that has the address. While they are
    /// unknown, that is certain of the address alone.
    pub(crate) fn hold(&self, range: &Range, address: IpAddr) -> bool {
        let Some(links) = &self.0 else {
            return *range == Range::one(address);
        };
        let mut links = links.iter().filter(|link| link.contains(address));
        links.any(|link| range.lies_in(link))
    }
}

fn link(address: IpAddr, prefix: u8) -> Range {
    let shortest = match address {
        IpAddr::V4(_) => SHORTEST_V4,
        IpAddr::V6(_) => SHORTEST_V6,
    };
    match prefix >= shortest {
        true => Range::around(address, prefix),
        false => Range::one(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_a_link() {
        for (interface, prefix, address, on_link) in [
            ("9.9.9.9", 24, "9.9.9.9", true),
            ("9.9.9.9", 24, "9.9.9.1", true),
            ("9.9.9.9", 24, "9.9.8.1", false),
            ("9.9.9.9", 32, "9.9.9.9", true),
            ("9.9.9.9", 32, "9.9.9.8", false),
            // Everything is on the link of a tunnel: only itself is meant.
            ("9.9.9.9", 0, "8.8.8.8", false),
            ("9.9.9.9", 0, "9.9.9.9", true),
            ("2606:4700::5", 64, "2606:4700::1:0:0:1", true),
            ("2606:4700::5", 64, "2606:4700:0:1::1", false),
            ("2606:4700::5", 0, "2606:4700::6", false),
            // Special anyway.
            ("127.0.0.1", 8, "127.0.0.1", false),
        ] {
            let links = Links::of([(interface.parse().unwrap(), prefix)]);
            let address = address.parse().unwrap();
            assert_eq!(
                links.have(address),
                on_link,
                "{interface}/{prefix} {address}"
            );
        }
    }

    #[test]
    fn unknown_links_are_none_of_the_public_network() {
        let unknown = Links::unknown();
        let address: IpAddr = "9.9.9.9".parse().unwrap();
        assert!(unknown.have(address));
        assert!(unknown.hold(&Range::one(address), address));
        assert!(!unknown.hold(&Range::around(address, 24), address));
    }
}
