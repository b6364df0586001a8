//! Ranges of IP addresses, and the special-purpose ranges that are not public.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses that share their first `prefix` bits with `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    first: IpAddr,
    prefix: u8,
}

/// Why an address is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    Loopback,
    LinkLocal,
    Private,
    /// Multicast, unspecified, or reserved for another purpose.
    Reserved,
}

/// All ranges that are not public, from IANA's registries of special-purpose addresses.
/// IPv6 ranges that embed an IPv4 address (6to4, NAT64, Teredo) count as reserved, because
/// they could lead to any of the others. The first range that contains an address applies.
const SPECIAL: &[(Special, Range)] = &[
    (Special::Loopback, v4([127, 0, 0, 0], 8)),
    (Special::LinkLocal, v4([169, 254, 0, 0], 16)),
    (Special::Private, v4([10, 0, 0, 0], 8)),
    (Special::Private, v4([100, 64, 0, 0], 10)),
    (Special::Private, v4([172, 16, 0, 0], 12)),
    (Special::Private, v4([192, 168, 0, 0], 16)),
    (Special::Reserved, v4([0, 0, 0, 0], 8)),
    (Special::Reserved, v4([192, 0, 0, 0], 24)),
    (Special::Reserved, v4([192, 0, 2, 0], 24)),
    (Special::Reserved, v4([192, 88, 99, 0], 24)),
    (Special::Reserved, v4([198, 18, 0, 0], 15)),
    (Special::Reserved, v4([198, 51, 100, 0], 24)),
    (Special::Reserved, v4([203, 0, 113, 0], 24)),
    (Special::Reserved, v4([224, 0, 0, 0], 3)),
    (Special::Loopback, v6([0, 0, 0, 0, 0, 0, 0, 1], 128)),
    (Special::LinkLocal, v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10)),
    (Special::Private, v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7)),
    (Special::Private, v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10)),
    (Special::Reserved, v6([0, 0, 0, 0, 0, 0, 0, 0], 8)),
    (Special::Reserved, v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 32)),
    (Special::Reserved, v6([0x100, 0, 0, 0, 0, 0, 0, 0], 8)),
    (Special::Reserved, v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23)),
    (Special::Reserved, v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32)),
    (Special::Reserved, v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16)),
    (Special::Reserved, v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20)),
    (Special::Reserved, v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8)),
];

const fn v4(octets: [u8; 4], prefix: u8) -> Range {
    let [a, b, c, d] = octets;
    Range {
        first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        prefix,
    }
}

const fn v6(segments: [u16; 8], prefix: u8) -> Range {
    let [a, b, c, d, e, f, g, h] = segments;
    Range {
        first: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)),
        prefix,
    }
}

/// Returns why an address is not public, or `None` if it is.
pub(crate) fn special(address: IpAddr) -> Option<Special> {
    block(address).map(|(special, _)| *special)
}

fn block(address: IpAddr) -> Option<&'static (Special, Range)> {
    SPECIAL.iter().find(|(_, range)| range.contains(address))
}

impl Range {
    /// The range of one address.
    pub(crate) fn single(address: IpAddr) -> Self {
        Self {
            first: address,
            prefix: width(address),
        }
    }

    /// The addresses that share their first `prefix` bits with `address`. A prefix longer
    /// than the address counts as its full length.
    pub(crate) fn network_of(address: IpAddr, prefix: u8) -> Self {
        let mut range = Self {
            first: address,
            prefix: prefix.min(width(address)),
        };
        let first = bits(address) & range.mask();
        range.first = match address {
            // The bits of an IPv4 address are the last 32.
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(first as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(first)),
        };
        range
    }

    pub(crate) fn is_ipv6(&self) -> bool {
        self.first.is_ipv6()
    }

    /// Parses `ADDRESS` or `ADDRESS/PREFIX`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = address
            .parse()
            .map_err(|_| format!("`{address}` is not an IP address"))?;
        if first.to_canonical() != first {
            return Err(format!("write it as IPv4: `{}`", first.to_canonical()));
        }
        let prefix = match prefix {
            None => width(first),
            Some(bits) => match bits.parse() {
                Ok(bits) if bits <= width(first) => bits,
                _ => return Err(format!("`{bits}` is not a valid prefix length")),
            },
        };
        let range = Self { first, prefix };
        if bits(first) & range.mask() != bits(first) {
            return Err(format!("the address has bits set after its first {prefix}"));
        }
        Ok(range)
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        width(self.first) == width(address) && bits(address) & self.mask() == bits(self.first)
    }

    /// Whether `other` contains all addresses of this range.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        other.prefix <= self.prefix && other.contains(self.first)
    }

    /// Whether a grant of this range includes an address. A range that is wider than the
    /// special-purpose range of the address does not: `0.0.0.0/0` grants the public network
    /// but not loopback.
    pub(crate) fn grants(&self, address: IpAddr) -> bool {
        self.contains(address) && block(address).is_none_or(|(_, block)| self.is_within(block))
    }

    /// Whether this range grants every address that `other` grants.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let contains = self.contains(other.first) && self.prefix <= other.prefix;
        contains && (other.kind().is_none() || self.grants(other.first))
    }

    /// The kind of special-purpose addresses that this range grants, or `None` if it grants
    /// public ones.
    pub(crate) fn kind(&self) -> Option<Special> {
        let (special, block) = block(self.first)?;
        (block.prefix <= self.prefix).then_some(*special)
    }

    fn mask(&self) -> u128 {
        let host_bits = u32::from(width(self.first) - self.prefix);
        u128::MAX.checked_shl(host_bits).unwrap_or(0)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        if self.prefix < width(self.first) {
            write!(f, "/{}", self.prefix)?;
        }
        Ok(())
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_purpose_addresses_are_classified() {
        for (address, expected) in [
            ("8.8.8.8", None),
            ("1.0.0.0", None),
            ("126.255.255.255", None),
            ("127.0.0.1", Some(Special::Loopback)),
            ("127.255.255.255", Some(Special::Loopback)),
            ("128.0.0.1", None),
            ("10.1.2.3", Some(Special::Private)),
            ("100.63.255.255", None),
            ("100.64.0.1", Some(Special::Private)),
            ("172.15.255.255", None),
            ("172.16.0.1", Some(Special::Private)),
            ("172.31.255.255", Some(Special::Private)),
            ("172.32.0.0", None),
            ("192.168.0.1", Some(Special::Private)),
            ("169.254.169.254", Some(Special::LinkLocal)),
            ("0.0.0.0", Some(Special::Reserved)),
            ("224.0.0.1", Some(Special::Reserved)),
            ("255.255.255.255", Some(Special::Reserved)),
            ("::", Some(Special::Reserved)),
            ("::1", Some(Special::Loopback)),
            ("::2", Some(Special::Reserved)),
            ("::ffff:127.0.0.1", Some(Special::Reserved)),
            ("fe80::1", Some(Special::LinkLocal)),
            ("fd00::1", Some(Special::Private)),
            ("ff02::1", Some(Special::Reserved)),
            ("64:ff9b::7f00:1", Some(Special::Reserved)),
            ("2002:7f00:1::", Some(Special::Reserved)),
            ("2606:4700::1", None),
        ] {
            assert_eq!(special(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn ranges_do_not_grant_narrower_special_ranges() {
        for (range, address, contains, grants) in [
            ("0.0.0.0/0", "8.8.8.8", true, true),
            ("0.0.0.0/0", "127.0.0.1", true, false),
            ("0.0.0.0/0", "::1", false, false),
            ("126.0.0.0/7", "127.0.0.1", true, false),
            ("127.0.0.0/8", "127.0.0.1", true, true),
            ("127.0.0.1", "127.0.0.1", true, true),
            ("127.0.0.1", "127.0.0.2", false, false),
            ("10.0.0.0/7", "10.0.0.1", true, false),
            ("10.1.0.0/16", "10.1.2.3", true, true),
            ("10.1.0.0/16", "10.2.2.3", false, false),
            ("::/0", "2606:4700::1", true, true),
            ("::/0", "::1", true, false),
            ("::/0", "8.8.8.8", false, false),
            ("fd00::/8", "fd00::1", true, true),
            ("f000::/4", "fd00::1", true, false),
            ("fe80::/10", "fe80::1", true, true),
        ] {
            let parsed = Range::parse(range).unwrap();
            let address = address.parse().unwrap();
            assert_eq!(parsed.contains(address), contains, "{range} {address}");
            assert_eq!(parsed.grants(address), grants, "{range} {address}");
            assert_eq!(parsed.to_string(), range);
        }
    }

    #[test]
    fn invalid_ranges_are_rejected() {
        for (text, reason) in [
            ("", "not an IP address"),
            ("1.2.3", "not an IP address"),
            ("1.2.3.4/33", "`33` is not a valid prefix length"),
            ("1.2.3.4/", "`` is not a valid prefix length"),
            ("1.2.3.4/8", "bits set after its first 8"),
            ("::1/64", "bits set after its first 64"),
            ("::ffff:1.2.3.4", "write it as IPv4: `1.2.3.4`"),
        ] {
            let error = Range::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
