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

/// The interfaces that [`link_0_3`](super::link_0_3) links besides `wasi:http`. `types`
/// have no functions; components import them for the types of others.
pub(super) const INTERFACES_0_3: [&str; 21] = [
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
    "wasi:cli/types",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/system-clock",
    "wasi:clocks/types",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/types",
];

/// Whether an interface is one of WASI 0.3, which is linked only for components on the
/// engine with concurrency. The name ends as for [`is_linked`].
pub(crate) fn is_version_0_3(compatible_name: &str) -> bool {
    compatible_name.starts_with("wasi:") && compatible_name.ends_with("@0.3")
}

/// Whether [`link`](super::link) or [`link_0_3`](super::link_0_3) links an interface. The name ends with the part of the
/// version that decides compatibility, such as `@0.2`.
pub(crate) fn is_linked(compatible_name: &str) -> bool {
    let Some((name, version)) = compatible_name.split_once('@') else {
        return false;
    };
    match version {
        "0.2" => INTERFACES.contains(&name) || http::INTERFACES.contains(&name),
        "0.3" => INTERFACES_0_3.contains(&name) || http::INTERFACES_0_3.contains(&name),
        _ => false,
    }
}
