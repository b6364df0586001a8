//! The target of a request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

/// The host of a request. Names are in lower case, without a trailing dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TargetHost {
    Address(IpAddr),
    Name(String),
}

/// The target of a request, and whether it uses TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: TargetHost,
    pub(super) port: u16,
    pub(super) secure: bool,
}

impl Target {
    /// Parses a URI. Returns `None` if other software could read it differently, for example
    /// with a user name or an invalid port.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let secure = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host)? {
            "" if secure => 443,
            "" => 80,
            port => parse_port(port.strip_prefix(':')?)?,
        };
        Some(Self {
            host: TargetHost::of(host)?,
            port,
            secure,
        })
    }
}

impl TargetHost {
    fn of(host: &str) -> Option<Self> {
        if let Some(inner) = host.strip_prefix('[') {
            let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(IpAddr::V6(address).to_canonical()));
        }
        if let Ok(address) = host.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        (!name.is_empty()).then(|| Self::Name(name.to_ascii_lowercase()))
    }
}

fn parse_port(text: &str) -> Option<u16> {
    // `parse` would accept a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_parse_to_targets() {
        for (uri, host, port, secure) in [
            ("http://example.com", "example.com", 80, false),
            ("https://example.com/a?b", "example.com", 443, true),
            ("http://Example.COM.:8080/", "example.com", 8080, false),
            ("https://127.0.0.1:1", "127.0.0.1", 1, true),
            ("http://[::1]", "::1", 80, false),
            ("http://[::1]:65535", "::1", 65535, false),
            ("http://[::ffff:10.0.0.1]:9", "10.0.0.1", 9, false),
            ("http://0x7f.1", "0x7f.1", 80, false),
        ] {
            let expected = Target {
                host: match host.parse() {
                    Ok(address) => TargetHost::Address(address),
                    Err(_) => TargetHost::Name(host.to_owned()),
                },
                port,
                secure,
            };
            assert_eq!(Target::of(&uri.parse().unwrap()), Some(expected), "{uri}");
        }
    }

    #[test]
    fn ambiguous_uris_are_rejected() {
        for uri in [
            "/path",
            "ftp://example.com",
            "http://example.com:",
            "http://example.com:0",
            "http://example.com:99999",
            "http://user@example.com",
            "http://example.com@example.com",
            "http://example.com:80@other.example:81",
        ] {
            // Text that is not a URI is rejected earlier.
            if let Ok(uri) = uri.parse() {
                assert_eq!(Target::of(&uri), None, "{uri}");
            }
        }
    }
}
