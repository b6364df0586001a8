//! Guests that use the network.

use test_components::TextPlugin;

/// Adds `$network`, which returns the handle of the network.
pub(crate) fn network(guest: TextPlugin) -> TextPlugin {
    guest.wasi(
        "wasi:sockets/instance-network",
        "instance-network",
        "$network",
    )
}

/// Adds the functions that [`connect`] calls, except for `$network`.
pub(crate) fn tcp(guest: TextPlugin) -> TextPlugin {
    let tcp = "wasi:sockets/tcp";
    guest
        .wasi(
            "wasi:sockets/tcp-create-socket",
            "create-tcp-socket",
            "$socket",
        )
        .wasi(tcp, "[method]tcp-socket.start-connect", "$start")
        .wasi(tcp, "[method]tcp-socket.finish-connect", "$finish")
        .wasi(tcp, "[method]tcp-socket.subscribe", "$subscribe")
        .wasi("wasi:io/poll", "[method]pollable.block", "$block")
}

/// Connects to an address. Writes the result of the connection to 128, and the handle
/// of the socket to `$a`.
pub(crate) fn connect([a, b, c, d]: [u8; 4], port: u16) -> String {
    let rest = "(i32.const 0) ".repeat(6);
    format!(
        "(call $socket (i32.const 0) (i32.const 128))
         (local.set $a (i32.load (i32.const 132)))
         (call $start (local.get $a) (call $network) (i32.const 0)
            (i32.const {port}) (i32.const {a}) (i32.const {b}) (i32.const {c}) (i32.const {d})
            {rest} (i32.const 128))
         (if (i32.load8_u (i32.const 128)) (then unreachable))
         (call $block (call $subscribe (local.get $a)))
         (call $finish (local.get $a) (i32.const 128))"
    )
}
