//! Reads the networks of this machine's interfaces.

use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use if_addrs::{IfAddr, get_if_addrs};

use crate::permissions::LocalNetworks;

/// How long a list of interfaces is reused.
const MAX_AGE: Duration = Duration::from_secs(5);

static CACHED: Mutex<Option<(Instant, LocalNetworks)>> = Mutex::new(None);

/// Returns this machine's networks, at most [`MAX_AGE`] old. If the interfaces cannot be
/// read, returns the previous networks, or unknown ones, and tries again later.
pub(super) fn local_networks() -> LocalNetworks {
    let mut cached = CACHED.lock().unwrap_or_else(PoisonError::into_inner);
    refresh(&mut cached, || {
        let interfaces = get_if_addrs()?;
        Ok(interfaces.iter().map(|it| network(&it.addr)).collect())
    })
}

fn refresh(
    cached: &mut Option<(Instant, LocalNetworks)>,
    read: impl FnOnce() -> io::Result<Vec<(IpAddr, u8)>>,
) -> LocalNetworks {
    if let Some((read, networks)) = cached
        && read.elapsed() < MAX_AGE
    {
        return networks.clone();
    }
    let networks = match (read(), cached.take()) {
        (Ok(networks), _) => LocalNetworks::of(networks),
        (Err(_), Some((_, previous))) => previous,
        (Err(_), None) => return LocalNetworks::unknown(),
    };
    *cached = Some((Instant::now(), networks.clone()));
    networks
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
    fn local_networks_are_cached() {
        let (first, second) = (local_networks(), local_networks());
        assert_eq!(first, second);
    }

    #[test]
    fn failed_refresh_keeps_known_networks_and_retries_unknown_ones() {
        let mut cached = None;
        let fails = || Err(io::ErrorKind::Other.into());
        assert_eq!(refresh(&mut cached, fails), LocalNetworks::unknown());
        let address: IpAddr = "9.9.9.9".parse().unwrap();
        let networks = refresh(&mut cached, || Ok(vec![(address, 32)]));
        assert_eq!(networks, LocalNetworks::of([(address, 32)]));
        cached.as_mut().unwrap().0 -= MAX_AGE;
        assert_eq!(refresh(&mut cached, fails), networks);
    }
}
