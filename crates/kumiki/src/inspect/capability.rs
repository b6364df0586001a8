//! The [`Capability`] of an imported WASI interface.

use std::fmt;

/// A kind of access outside the sandbox that a component imports and could use if it
/// were granted. An import does not prove use: compilers add imports that the plugin's
/// code never calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Files and folders.
    FileSystem,
    /// TCP and UDP sockets, and lookups of host names.
    Network,
    /// Outgoing HTTP requests.
    Http,
    /// Reading the time, and waiting.
    Clocks,
    /// Random numbers.
    Randomness,
    /// Environment variables and arguments.
    Environment,
    /// Standard input, output and error.
    StandardStreams,
}

impl Capability {
    /// Returns the capability of an interface, by its name with or without a version;
    /// `None` for a WASI interface without access to anything, and for other interfaces.
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
            Self::Network => "the network (TCP, UDP, host names)",
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
    fn capability_is_found_from_interface_name() {
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
