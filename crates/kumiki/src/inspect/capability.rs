//! What a component could touch, in a person's words.

use std::fmt;

/// Something outside of itself that a component could touch if it were
/// granted. An import asks for the ability, not for any thing in particular:
/// compilers make guests import much that their author never uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Files and folders.
    FileSystem,
    /// TCP and UDP sockets, and names of hosts.
    Network,
    /// Outgoing HTTP requests.
    Http,
    /// The time, and waiting.
    Clocks,
    /// Random numbers.
    Randomness,
    /// Environment variables and arguments.
    Environment,
    /// Standard input, output and error.
    StandardStreams,
}

impl Capability {
    /// What an imported interface is about, by its name with or without a
    /// version; `None` for what touches nothing, and for what is not WASI.
    #[must_use]
    pub fn of(interface: &str) -> Option<Self> {
        let interface = interface.split('@').next().unwrap_or(interface);
        let (package, name) = interface.split_once('/')?;
        Some(match (package, name) {
            ("wasi:filesystem", _) => Self::FileSystem,
            ("wasi:sockets", _) => Self::Network,
            ("wasi:http", _) => Self::Http,
            ("wasi:clocks", _) => Self::Clocks,
            ("wasi:random", _) => Self::Randomness,
            ("wasi:cli", "environment") => Self::Environment,
            ("wasi:cli", "stdin" | "stdout" | "stderr") => Self::StandardStreams,
            _ => return None,
        })
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::FileSystem => "files and folders",
            Self::Network => "the network (TCP, UDP, names of hosts)",
            Self::Http => "outgoing HTTP requests",
            Self::Clocks => "the time, and waiting",
            Self::Randomness => "random numbers",
            Self::Environment => "environment variables and arguments",
            Self::StandardStreams => "standard input, output and error",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_about_something() {
        for (interface, capability) in [
            ("wasi:filesystem/types@0.2.3", Some(Capability::FileSystem)),
            ("wasi:sockets/tcp", Some(Capability::Network)),
            ("wasi:http/types@0.2.0", Some(Capability::Http)),
            (
                "wasi:clocks/monotonic-clock@0.3.0",
                Some(Capability::Clocks),
            ),
            ("wasi:random/insecure@0.2.0", Some(Capability::Randomness)),
            ("wasi:cli/environment@0.2.0", Some(Capability::Environment)),
            ("wasi:cli/stderr@0.2.0", Some(Capability::StandardStreams)),
            ("wasi:cli/exit@0.2.0", None),
            ("wasi:io/poll@0.2.0", None),
            ("myapp:text-processor/host-api", None),
            ("greet", None),
        ] {
            assert_eq!(Capability::of(interface), capability, "{interface}");
        }
    }
}
