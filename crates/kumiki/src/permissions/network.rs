//! Addresses of the network that a guest may reach.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::GrantError;
use super::links::Links;
use super::range::{Range, Special, special};

const HINT: &str = "addresses are granted as `WHERE:PORTS`, such as `api.example.com:443`, \
                    `10.1.0.0/16:5432`, `[::1]:8000-8999`, `public:443` or `loopback:*`";

/// Whom a guest may connect and send to, by sockets and by `wasi:http`, on which
/// ports. Nobody may listen.
///
/// | written | means |
/// | --- | --- |
/// | `api.example.com:443` | requests to that name, and TCP to the public addresses that the guest was given when it last looked the name up |
/// | `203.0.113.7:443`, `[2001:db8::7]:443` | this address |
/// | `10.1.0.0/16:5432`, `[fd00::/8]:*` | these addresses |
/// | `public:80-443` | every public address |
/// | `loopback:8080`, `private:*`, `link-local:80` | all of that kind |
///
/// An address that is not public is granted by its kind, or by an address or
/// range that lies wholly within its kind; never by a wider range, and never
/// by a name alone, for whoever owns a name says where it leads. The machine's
/// own addresses, and those on a link of it, are not public either: they are
/// granted by an address or range that lies wholly within that link's prefix.
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

/// The kinds that have a word of their own.
const KINDS: [(&str, Target); 4] = [
    ("public", Target::Public),
    ("loopback", Target::Kind(Special::Loopback)),
    ("link-local", Target::Kind(Special::LinkLocal)),
    ("private", Target::Kind(Special::Private)),
];

impl NetworkGrant {
    /// The grant of one address and port, and of nothing else.
    #[must_use]
    pub fn exactly(address: SocketAddr) -> Self {
        let ip = address.ip().to_canonical();
        Self {
            target: Target::Range(Range::one(ip)),
            first_port: address.port(),
            last_port: address.port(),
        }
    }

    /// The ports on which it grants anything.
    pub(crate) fn ports(&self) -> RangeInclusive<u16> {
        self.first_port..=self.last_port
    }

    /// Whether an address is granted, without asking anybody.
    fn says(&self, address: IpAddr, links: &Links) -> bool {
        match &self.target {
            Target::Name(_) => false,
            Target::Range(range) => {
                range.says(address) && (!links.have(address) || links.hold(range, address))
            }
            Target::Public => is_public(address, links),
            Target::Kind(kind) => special(address) == Some(*kind),
        }
    }

    /// Whether whoever has this grant may reach all that `other` grants.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let ports = self.first_port <= other.first_port && other.last_port <= self.last_port;
        ports
            && match (&self.target, &other.target) {
                (Target::Range(range), Target::Range(other)) => range.covers(other),
                (Target::Public, Target::Range(other)) => other.kind().is_none(),
                (Target::Kind(kind), Target::Range(other)) => other.kind() == Some(*kind),
                // A name is looked up only where it is granted itself.
                (target, other) => target == other,
            }
    }

    /// Whether the name that is granted, if it is one, leads to this address.
    fn leads_to(&self, address: IpAddr, leads: &impl Fn(&str, IpAddr) -> bool) -> bool {
        match &self.target {
            Target::Name(name) => leads(name, address),
            _ => false,
        }
    }

    /// The grant of a name on every port; none for what is no name.
    pub(crate) fn name_on_all_ports(name: &str) -> Option<Self> {
        let grant: Self = format!("{name}:*").parse().ok()?;
        grant.name()?;
        Some(grant)
    }

    /// The grant of a name on one port; none for what is no name.
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

    /// The name that is granted, if it is one: in lower case, without a dot at
    /// its end.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.target {
            Target::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// Whether an address is of the public network, seen from this machine.
pub(crate) fn is_public(address: IpAddr, links: &Links) -> bool {
    special(address).is_none() && !links.have(address)
}

/// Whether `grants` allow to reach an address; `leads` says whether a name led
/// to it.
pub(crate) fn allow(
    grants: &[NetworkGrant],
    address: SocketAddr,
    links: &Links,
    leads: impl Fn(&str, IpAddr) -> bool,
) -> bool {
    let port = address.port();
    let address = address.ip().to_canonical();
    let mut at_port = grants
        .iter()
        .filter(|grant| (grant.first_port..=grant.last_port).contains(&port));
    at_port.clone().any(|grant| grant.says(address, links))
        || (is_public(address, links) && at_port.any(|grant| grant.leads_to(address, &leads)))
}

/// The names that are granted, on whatever ports.
pub(crate) fn names(grants: &[NetworkGrant]) -> impl Iterator<Item = &str> {
    grants.iter().filter_map(NetworkGrant::name)
}

impl FromStr for NetworkGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let fault = |reason: String| GrantError::new(text, reason, HINT);
        let (target, ports) = text
            .rsplit_once(':')
            .ok_or_else(|| fault("there is no port".into()))?;
        let (first_port, last_port) =
            parse_ports(ports).ok_or_else(|| fault(format!("`{ports}` are no ports")))?;
        Ok(Self {
            target: parse_target(target).map_err(fault)?,
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
        return Err("an IPv6 address stands in brackets".into());
    }
    // No name ends in a number: that is what tells it from an address.
    let name = text.strip_suffix('.').unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or_default();
    if text.contains('/') || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Range::parse(text).map(Target::Range);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    // Written again, a host of that name would be all of that kind.
    let is_kind = kind(name).is_some();
    if is_kind
        || name
            .split('.')
            .any(|label| label.is_empty() || !label.chars().all(plain))
    {
        return Err(format!("`{text}` is no host name"));
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
    fn grants_parse_and_are_written_again() {
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
    fn what_is_no_grant_is_refused() {
        for (text, reason) in [
            ("", "there is no port"),
            ("example.com", "there is no port"),
            ("example.com:", "`` are no ports"),
            ("example.com:0", "`0` are no ports"),
            ("example.com:+80", "`+80` are no ports"),
            ("example.com:65536", "`65536` are no ports"),
            ("example.com:90-80", "`90-80` are no ports"),
            ("::1:80", "stands in brackets"),
            ("[::1:80", "there is no `]`"),
            ("[example.com]:80", "no IP address"),
            ("1.2.3:80", "no IP address"),
            ("10.0.0.1/8:80", "bits behind"),
            (":80", "no IP address"),
            ("a..b:80", "no host name"),
            ("*.example.com:80", "no host name"),
            ("public.:80", "no host name"),
            ("ex ample.com:80", "no host name"),
        ] {
            let error = text.parse::<NetworkGrant>().unwrap_err();
            assert!(error.reason.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn who_may_be_reached() {
        // Where names lead; `rebound` tries to lead inside.
        let leads = |name: &str, address: IpAddr| {
            let addresses: &[&str] = match name {
                "example.com" => &["93.184.216.34"],
                "rebound.example" => &["127.0.0.1", "169.254.169.254", "9.9.9.9", "9.9.9.1"],
                _ => &[],
            };
            addresses.contains(&address.to_string().as_str())
        };
        // This machine has a public address, in a network of 256.
        let links = Links::of([("9.9.9.9".parse().unwrap(), 24)]);
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
                allow(&list, address, &links, leads),
                allowed,
                "{grants:?} {address}"
            );
        }
    }

    #[test]
    fn the_grant_of_an_address_allows_it() {
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
                allow(&[exact], address, &Links::of([]), |_, _| false),
                "{address}"
            );
        }
    }
}
