//! The networks of this machine's interfaces. Their addresses do not count as public, even
//! if they are globally routable.

use std::net::IpAddr;
use std::sync::Arc;

use super::range::{Range, special};

/// The shortest prefixes that count as a local network. An interface with a shorter one is
/// a tunnel for all traffic: only its own address counts.
const MIN_PREFIX_V4: u8 = 8;
const MIN_PREFIX_V6: u8 = 16;

/// The networks of this machine's interfaces, without those in the special-purpose ranges.
/// `None` while they are unknown: then any address may be this machine's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LocalNetworks(Option<Arc<[Range]>>);

impl LocalNetworks {
    pub(crate) fn unknown() -> Self {
        Self(None)
    }

    pub(crate) fn of(interfaces: impl IntoIterator<Item = (IpAddr, u8)>) -> Self {
        let networks = interfaces
            .into_iter()
            .map(|(address, prefix)| (address.to_canonical(), prefix))
            .filter(|(address, _)| special(*address).is_none());
        let networks = networks.map(|(address, prefix)| network(address, prefix));
        Self(Some(networks.collect()))
    }

    /// Whether an address is this machine's or in one of its networks. Always true while
    /// the networks are unknown.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let Some(networks) = &self.0 else {
            return true;
        };
        networks.iter().any(|network| network.contains(address))
    }

    /// Whether `range` lies within a local network that contains `address`. While the
    /// networks are unknown, this is certain only for a range of the address alone.
    pub(crate) fn contains_range(&self, range: &Range, address: IpAddr) -> bool {
        let Some(networks) = &self.0 else {
            return *range == Range::single(address);
        };
        let mut networks = networks.iter().filter(|network| network.contains(address));
        networks.any(|network| range.is_within(network))
    }
}

fn network(address: IpAddr, prefix: u8) -> Range {
    let min_prefix = match address {
        IpAddr::V4(_) => MIN_PREFIX_V4,
        IpAddr::V6(_) => MIN_PREFIX_V6,
    };
    match prefix >= min_prefix {
        true => Range::network_of(address, prefix),
        false => Range::single(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_on_an_interfaces_network_are_local() {
        for (interface, prefix, address, is_local) in [
            ("9.9.9.9", 24, "9.9.9.9", true),
            ("9.9.9.9", 24, "9.9.9.1", true),
            ("9.9.9.9", 24, "9.9.8.1", false),
            ("9.9.9.9", 32, "9.9.9.9", true),
            ("9.9.9.9", 32, "9.9.9.8", false),
            // A tunnel for all traffic: only its own address is local.
            ("9.9.9.9", 0, "8.8.8.8", false),
            ("9.9.9.9", 0, "9.9.9.9", true),
            ("2606:4700::5", 64, "2606:4700::1:0:0:1", true),
            ("2606:4700::5", 64, "2606:4700:0:1::1", false),
            ("2606:4700::5", 0, "2606:4700::6", false),
            // In a special-purpose range already.
            ("127.0.0.1", 8, "127.0.0.1", false),
        ] {
            let networks = LocalNetworks::of([(interface.parse().unwrap(), prefix)]);
            let address = address.parse().unwrap();
            assert_eq!(
                networks.contains(address),
                is_local,
                "{interface}/{prefix} {address}"
            );
        }
    }

    #[test]
    fn any_address_may_be_local_while_interfaces_are_unknown() {
        let unknown = LocalNetworks::unknown();
        let address: IpAddr = "9.9.9.9".parse().unwrap();
        assert!(unknown.contains(address));
        assert!(unknown.contains_range(&Range::single(address), address));
        assert!(!unknown.contains_range(&Range::network_of(address, 24), address));
    }
}
