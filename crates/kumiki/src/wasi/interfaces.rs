//! The WASI interfaces that this host implements.

use super::http;

/// The interfaces that [`link`](super::link) links besides `wasi:http`, by name without
/// version.
pub(super) const INTERFACES: [&str; 27] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Whether [`link`](super::link) links an interface. The name ends with the part of the
/// version that decides compatibility, such as `@0.2`.
pub(crate) fn is_linked(compatible_name: &str) -> bool {
    compatible_name
        .strip_suffix("@0.2")
        .is_some_and(|name| INTERFACES.contains(&name) || http::INTERFACES.contains(&name))
}
