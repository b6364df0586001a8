//! The interfaces of this machine, and the networks that they are part of.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use if_addrs::{IfAddr, get_if_addrs};

use crate::permissions::Links;

/// How long the interfaces are taken to be what they were.
const FRESH: Duration = Duration::from_secs(5);

static KNOWN: Mutex<Option<(Instant, Links)>> = Mutex::new(None);

/// Those that this machine has now. Where they cannot be read, those that
/// it had before. Where there were none before, any address may be this
/// machine's.
pub(super) fn links() -> Links {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((read, links)) = &*known
        && read.elapsed() < FRESH
    {
        return links.clone();
    }
    let links = match get_if_addrs() {
        Ok(interfaces) => {
            let networks = interfaces
                .iter()
                .map(|interface| network(&interface.addr))
                .collect::<Vec<_>>();
            Links::of(networks)
        }
        Err(_) => known.take().map_or_else(Links::unknown, |(_, links)| links),
    };
    *known = Some((Instant::now(), links.clone()));
    links
}

fn network(address: &IfAddr) -> (IpAddr, u8) {
    match address {
        IfAddr::V4(v4) => (v4.ip.into(), v4.prefixlen),
        IfAddr::V6(v6) => (v6.ip.into(), v6.prefixlen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_tells_its_links() {
        // Whatever they are: reading them must not fail, nor change at once.
        let (first, second) = (links(), links());
        assert_eq!(first, second);
    }
}
