//! The networks that this machine is part of: its own addresses, and those that
//! share a link with it. They are not of the public network, whatever their
//! addresses look like.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use if_addrs::{IfAddr, get_if_addrs};

use super::range::{Range, special};

/// How long the interfaces are taken to be what they were.
const FRESH: Duration = Duration::from_secs(5);

/// The shortest prefixes that are taken for a link. A shorter one stands for a
/// tunnel that takes everything: its own address is meant.
const SHORTEST_V4: u8 = 8;
const SHORTEST_V6: u8 = 16;

static KNOWN: Mutex<Option<(Instant, Links)>> = Mutex::new(None);

/// Networks outside of those that are special anyway; none where they cannot be
/// read: then any address may be this machine's.
#[derive(Clone, Debug)]
pub(super) struct Links(Option<Arc<[Range]>>);

impl Links {
    /// Those that this machine has now. Where they cannot be read, those that it had
    /// before, or unknown ones, until the next time.
    pub(super) fn now() -> Self {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        Self::next(&mut known, || {
            let interfaces = get_if_addrs()?;
            Ok(interfaces.iter().map(|it| network(&it.addr)).collect())
        })
    }

    fn next(
        known: &mut Option<(Instant, Self)>,
        read: impl FnOnce() -> io::Result<Vec<(IpAddr, u8)>>,
    ) -> Self {
        if let Some((read, links)) = known
            && read.elapsed() < FRESH
        {
            return links.clone();
        }
        let links = match (read(), known.take()) {
            (Ok(networks), _) => Self::of(networks),
            (Err(_), Some((_, before))) => before,
            (Err(_), None) => return Self(None),
        };
        *known = Some((Instant::now(), links.clone()));
        links
    }

    pub(super) fn of(networks: impl IntoIterator<Item = (IpAddr, u8)>) -> Self {
        let links = networks
            .into_iter()
            .map(|(address, prefix)| (address.to_canonical(), prefix))
            .filter(|(address, _)| special(*address).is_none());
        let links = links.map(|(address, prefix)| link(address, prefix));
        Self(Some(links.collect()))
    }

    /// Whether an address is this machine's or shares a link with it, or may be for
    /// all that is known.
    pub(super) fn have(&self, address: IpAddr) -> bool {
        let Some(links) = &self.0 else {
            return true;
        };
        links.iter().any(|link| link.contains(address))
    }

    /// Whether `range` lies within one of them that has the address. While they are
    /// unknown, that is certain of the address alone.
    pub(super) fn hold(&self, range: &Range, address: IpAddr) -> bool {
        let Some(links) = &self.0 else {
            return *range == Range::one(address);
        };
        let mut links = links.iter().filter(|link| link.contains(address));
        links.any(|link| range.lies_in(link))
    }
}

fn network(address: &IfAddr) -> (IpAddr, u8) {
    match address {
        IfAddr::V4(v4) => (v4.ip.into(), v4.prefixlen),
        IfAddr::V6(v6) => (v6.ip.into(), v6.prefixlen),
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
        let mut known = None;
        let fails = || Err(io::ErrorKind::Other.into());
        let unknown = Links::next(&mut known, fails);
        let address: IpAddr = "9.9.9.9".parse().unwrap();
        assert!(unknown.have(address));
        assert!(unknown.hold(&Range::one(address), address));
        assert!(!unknown.hold(&Range::around(address, 24), address));
        // The next one asks again, and what was known once is kept.
        let links = Links::next(&mut known, || Ok(vec![(address, 32)]));
        assert!(links.have(address));
        assert!(!links.have("9.9.9.8".parse().unwrap()));
        known.as_mut().unwrap().0 -= FRESH;
        let links = Links::next(&mut known, fails);
        assert!(!links.have("9.9.9.8".parse().unwrap()));
    }

    #[test]
    fn this_machine_tells_its_links() {
        // Whatever they are: reading them must not fail, nor change at once.
        let (first, second) = (Links::now(), Links::now());
        assert_eq!(first.0, second.0);
    }
}
