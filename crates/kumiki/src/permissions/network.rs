//! The grant of network addresses.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::GrantError;
use super::local_networks::LocalNetworks;
use super::range::{Range, Special, special};

const HINT: &str = "write addresses as `WHERE:PORTS`, such as `api.example.com:443`, \
                    `10.1.0.0/16:5432`, `[::1]:8000-8999`, `public:443` or `loopback:*`";

/// Network addresses and ports that a guest may connect and send to, with sockets and
/// with `wasi:http`. Guests can never listen.
///
/// | text | grants |
/// | --- | --- |
/// | `api.example.com:443` | `wasi:http` requests to this name, and TCP to the public addresses that the guest's last lookup of it returned |
/// | `203.0.113.7:443`, `[2001:db8::7]:443` | this address |
/// | `10.1.0.0/16:5432`, `[fd00::/8]:*` | these addresses |
/// | `public:80-443` | every public address |
/// | `loopback:8080`, `private:*`, `link-local:80` | all addresses of this kind |
///
/// An address that is not public is granted only by its kind, or by an address or range
/// within that kind. A wider range does not grant it, and a name alone does not either,
/// because the owner of a name decides where it resolves to. The machine's own addresses
/// and those on the networks of its interfaces are not public: only an address or a range
/// within the network's prefix grants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkGrant {
    target: Target,
    first_port: u16,
    last_port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Name(String),
    Range(Range),
    Public,
    Kind(Special),
}

/// The kinds of addresses that can be granted by a keyword.
const KINDS: [(&str, Target); 4] = [
    ("public", Target::Public),
    ("loopback", Target::Kind(Special::Loopback)),
    ("link-local", Target::Kind(Special::LinkLocal)),
    ("private", Target::Kind(Special::Private)),
];

impl NetworkGrant {
    /// Grants one address and port.
    #[must_use]
    pub fn exactly(address: SocketAddr) -> Self {
        let ip = address.ip().to_canonical();
        Self {
            target: Target::Range(Range::single(ip)),
            first_port: address.port(),
            last_port: address.port(),
        }
    }

    /// The granted ports.
    pub(crate) fn ports(&self) -> RangeInclusive<u16> {
        self.first_port..=self.last_port
    }

    /// Whether an address is granted, other than by a name.
    fn grants_address(&self, address: IpAddr, local: &LocalNetworks) -> bool {
        match &self.target {
            Target::Name(_) => false,
            Target::Range(range) => {
                let is_local = local.contains(address);
                range.grants(address) && (!is_local || local.contains_range(range, address))
            }
            Target::Public => is_public(address, local),
            Target::Kind(kind) => special(address) == Some(*kind),
        }
    }

    /// Whether this grant includes everything that `other` grants.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let ports = self.first_port <= other.first_port && other.last_port <= self.last_port;
        ports
            && match (&self.target, &other.target) {
                (Target::Range(range), Target::Range(other)) => range.covers(other),
                (Target::Public, Target::Range(other)) => other.kind().is_none(),
                (Target::Kind(kind), Target::Range(other)) => other.kind() == Some(*kind),
                // Only the grant of a name allows looking it up.
                (target, other) => target == other,
            }
    }

    /// Whether this grants a name that resolved to this address.
    fn grants_name_of(&self, address: IpAddr, resolved: &impl Fn(&str, IpAddr) -> bool) -> bool {
        match &self.target {
            Target::Name(name) => resolved(name, address),
            _ => false,
        }
    }

    /// Grants a name on every port; `None` if it is not a host name.
    pub(crate) fn name_on_all_ports(name: &str) -> Option<Self> {
        let grant: Self = format!("{name}:*").parse().ok()?;
        grant.name()?;
        Some(grant)
    }

    /// Grants a name on one port; `None` if it is not a host name.
    #[cfg(feature = "http")]
    pub(crate) fn of_name(name: &str, port: u16) -> Option<Self> {
        let all = Self::name_on_all_ports(name)?;
        Some(Self {
            first_port: port,
            last_port: port,
            ..all
        })
    }

    pub(crate) fn is_name(&self, name: &str) -> bool {
        self.name() == Some(name)
    }

    /// The granted name, if any: in lower case, without a trailing dot.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.target {
            Target::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// Whether an address belongs to the public network, as seen from this machine.
pub(crate) fn is_public(address: IpAddr, local: &LocalNetworks) -> bool {
    special(address).is_none() && !local.contains(address)
}

/// Whether `grants` allow reaching an address. `resolved` returns whether a name resolved
/// to an address.
pub(crate) fn is_allowed(
    grants: &[NetworkGrant],
    address: SocketAddr,
    local: &LocalNetworks,
    resolved: impl Fn(&str, IpAddr) -> bool,
) -> bool {
    let port = address.port();
    let address = address.ip().to_canonical();
    let mut at_port = grants
        .iter()
        .filter(|grant| (grant.first_port..=grant.last_port).contains(&port));
    at_port
        .clone()
        .any(|grant| grant.grants_address(address, local))
        || (is_public(address, local)
            && at_port.any(|grant| grant.grants_name_of(address, &resolved)))
}

/// The granted names, on any ports.
pub(crate) fn granted_names(grants: &[NetworkGrant]) -> impl Iterator<Item = &str> {
    grants.iter().filter_map(NetworkGrant::name)
}

impl FromStr for NetworkGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let invalid = |reason: String| GrantError::new(text, reason, HINT);
        let (target, ports) = text
            .rsplit_once(':')
            .ok_or_else(|| invalid("there is no port".into()))?;
        let (first_port, last_port) = parse_ports(ports)
            .ok_or_else(|| invalid(format!("`{ports}` is not a port or a range of ports")))?;
        Ok(Self {
            target: parse_target(target).map_err(invalid)?,
            first_port,
            last_port,
        })
    }
}

fn parse_ports(text: &str) -> Option<(u16, u16)> {
    if text == "*" {
        return Some((1, u16::MAX));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    // `parse` would accept a sign.
    let port = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|port| digits && *port > 0)
    };
    let (first, last) = (port(first)?, port(last)?);
    (first <= last).then_some((first, last))
}

fn parse_target(text: &str) -> Result<Target, String> {
    let kind = |text: &str| {
        KINDS
            .into_iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text))
    };
    if let Some((_, kind)) = kind(text) {
        return Ok(kind);
    }
    if let Some(inner) = text.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or("there is no `]`")?;
        return Range::parse(inner).map(Target::Range);
    }
    if text.contains(':') {
        return Err("an IPv6 address must be in brackets".into());
    }
    // The last label of a host name is never a number; that of an IPv4 address always is.
    let name = text.strip_suffix('.').unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or_default();
    if text.contains('/') || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Range::parse(text).map(Target::Range);
    }
    let is_label_char = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    // The grant of a host with this name would display as the grant of the kind.
    let is_kind = kind(name).is_some();
    if is_kind
        || name
            .split('.')
            .any(|label| label.is_empty() || !label.chars().all(is_label_char))
    {
        return Err(format!("`{text}` is not a host name"));
    }
    Ok(Target::Name(name.to_ascii_lowercase()))
}

impl fmt::Display for NetworkGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Name(name) => f.write_str(name)?,
            Target::Range(range) if range.is_ipv6() => write!(f, "[{range}]")?,
            Target::Range(range) => write!(f, "{range}")?,
            other => {
                let kind = KINDS.iter().find(|(_, kind)| kind == other);
                f.write_str(kind.map_or("", |(word, _)| word))?;
            }
        }
        match (self.first_port, self.last_port) {
            (1, u16::MAX) => f.write_str(":*"),
            (first, last) if first == last => write!(f, ":{first}"),
            (first, last) => write!(f, ":{first}-{last}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> NetworkGrant {
        text.parse().unwrap()
    }

    #[test]
    fn network_grants_parse_and_display() {
        for (text, written) in [
            ("api.example.com:443", "api.example.com:443"),
            ("API.Example.com.:443", "api.example.com:443"),
            ("localhost:1-65535", "localhost:*"),
            ("10.0.0.0/8:*", "10.0.0.0/8:*"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:8000-8999", "[::1]:8000-8999"),
            ("[fd00::/8]:443", "[fd00::/8]:443"),
            ("public:80", "public:80"),
            ("loopback:80", "loopback:80"),
            ("link-local:80", "link-local:80"),
            ("private:80-80", "private:80"),
            ("pubLic:443", "public:443"),
        ] {
            assert_eq!(grant(text).to_string(), written, "{text}");
            assert_eq!(grant(written), grant(text), "{text}");
        }
    }

    #[test]
    fn invalid_network_grants_are_rejected() {
        for (text, reason) in [
            ("", "there is no port"),
            ("example.com", "there is no port"),
            ("example.com:", "`` is not a port"),
            ("example.com:0", "`0` is not a port"),
            ("example.com:+80", "`+80` is not a port"),
            ("example.com:65536", "`65536` is not a port"),
            ("example.com:90-80", "`90-80` is not a port"),
            ("::1:80", "must be in brackets"),
            ("[::1:80", "there is no `]`"),
            ("[example.com]:80", "not an IP address"),
            ("1.2.3:80", "not an IP address"),
            ("10.0.0.1/8:80", "bits set after"),
            (":80", "not an IP address"),
            ("a..b:80", "not a host name"),
            ("*.example.com:80", "not a host name"),
            ("public.:80", "not a host name"),
            ("ex ample.com:80", "not a host name"),
        ] {
            let error = text.parse::<NetworkGrant>().unwrap_err();
            assert!(error.reason.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn only_granted_addresses_are_allowed() {
        // Where names resolve to; `rebound` attempts DNS rebinding.
        let resolved = |name: &str, address: IpAddr| {
            let addresses: &[&str] = match name {
                "example.com" => &["93.184.216.34"],
                "rebound.example" => &["127.0.0.1", "169.254.169.254", "9.9.9.9", "9.9.9.1"],
                _ => &[],
            };
            addresses.contains(&address.to_string().as_str())
        };
        // This machine has a globally routable address, in a network of 256.
        let local = LocalNetworks::of([("9.9.9.9".parse().unwrap(), 24)]);
        for (grants, address, allowed) in [
            (&[][..], "93.184.216.34:443", false),
            (&["example.com:443"], "93.184.216.34:443", true),
            (&["example.com:443"], "93.184.216.34:80", false),
            (&["example.com:443"], "93.184.216.35:443", false),
            (&["rebound.example:*"], "127.0.0.1:80", false),
            (&["rebound.example:*"], "169.254.169.254:80", false),
            (&["rebound.example:*", "loopback:80"], "127.0.0.1:80", true),
            (&["rebound.example:*", "loopback:80"], "127.0.0.1:81", false),
            (&["public:*"], "8.8.8.8:53", true),
            (&["public:*"], "10.0.0.1:53", false),
            (&["public:*"], "[::1]:53", false),
            (&["0.0.0.0/0:*"], "127.0.0.1:53", false),
            (&["[::/0]:*"], "[::ffff:127.0.0.1]:53", false),
            (&["127.0.0.1:80"], "[::ffff:127.0.0.1]:80", true),
            (&["loopback:*"], "127.8.8.8:53", true),
            (&["loopback:*"], "[::1]:53", true),
            (&["private:*"], "192.168.1.1:53", true),
            (&["private:*"], "169.254.169.254:53", false),
            (&["link-local:80"], "169.254.169.254:80", true),
            (&["public:*"], "9.9.9.9:53", false),
            (&["public:*"], "9.9.9.1:53", false),
            (&["public:*"], "9.9.8.1:53", true),
            (&["0.0.0.0/0:*"], "9.9.9.9:53", false),
            (&["9.9.0.0/16:*"], "9.9.9.9:53", false),
            (&["9.9.0.0/16:*"], "9.9.8.1:53", true),
            (&["9.9.9.0/24:*"], "9.9.9.9:53", true),
            (&["9.9.9.9:53"], "9.9.9.9:53", true),
            (&["rebound.example:*"], "9.9.9.9:80", false),
            (&["rebound.example:*"], "9.9.9.1:80", false),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            let list: Vec<_> = grants.iter().map(|text| grant(text)).collect();
            assert_eq!(
                is_allowed(&list, address, &local, resolved),
                allowed,
                "{grants:?} {address}"
            );
        }
    }

    #[test]
    fn grant_of_an_exact_address_allows_it() {
        for address in [
            "127.0.0.1:80",
            "[::1]:80",
            "[::ffff:10.0.0.1]:9",
            "8.8.8.8:53",
        ] {
            let address: SocketAddr = address.parse().unwrap();
            let exact = NetworkGrant::exactly(address);
            assert_eq!(grant(&exact.to_string()), exact);
            assert!(
                is_allowed(&[exact], address, &LocalNetworks::of([]), |_, _| false),
                "{address}"
            );
        }
    }
}
