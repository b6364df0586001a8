//! The interfaces of this machine, and the networks that they are part of.

use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use if_addrs::{IfAddr, get_if_addrs};

use crate::permissions::Links;

/// How long the interfaces are taken to be what they were.
const FRESH: Duration = Duration::from_secs(5);

static KNOWN: Mutex<Option<(Instant, Links)>> = Mutex::new(None);

/// Those that this machine has now. Where they cannot be read, those that it had
/// before, or unknown ones, until the next time.
pub(super) fn links() -> Links {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    next(&mut known, || {
        let interfaces = get_if_addrs()?;
        Ok(interfaces.iter().map(|it| network(&it.addr)).collect())
    })
}

fn next(
    known: &mut Option<(Instant, Links)>,
    read: impl FnOnce() -> io::Result<Vec<(IpAddr, u8)>>,
) -> Links {
    if let Some((read, links)) = known
        && read.elapsed() < FRESH
    {
        return links.clone();
    }
    let links = match (read(), known.take()) {
        (Ok(networks), _) => Links::of(networks),
        (Err(_), Some((_, before))) => before,
        (Err(_), None) => return Links::unknown(),
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

    #[test]
    fn unknown_links_are_asked_for_again_and_known_ones_are_kept() {
        let mut known = None;
        let fails = || Err(io::ErrorKind::Other.into());
        assert_eq!(next(&mut known, fails), Links::unknown());
        let address: IpAddr = "9.9.9.9".parse().unwrap();
        let links = next(&mut known, || Ok(vec![(address, 32)]));
        assert_eq!(links, Links::of([(address, 32)]));
        known.as_mut().unwrap().0 -= FRESH;
        assert_eq!(next(&mut known, fails), links);
    }
}
