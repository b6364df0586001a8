//! Rows: guests that look up names and connect to addresses. Each row starts this
//! program again in a new network namespace, in which the name server never answers.

use std::io::{self, Write};
use std::net::{TcpListener, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use test_components::TextPlugin as Guest;

use crate::guests::files::{method, with_files};
use crate::guests::{attacker, repeated, sockets};
use crate::program::run;
use crate::suite::Outcome::Answer;
use crate::suite::granted::{LONG, attempt, folder_with, limits, load, network};
use crate::suite::{Case, to_text};

/// The variable that names the row to run in the new network.
const ROW: &str = "KUMIKI_HOSTILE_ROW";

type Row = (&'static str, fn() -> Result<(), String>);

const ROWS: [Row; 5] = [
    ("10,000 lookups dropped, with a silent name server", dropped),
    ("a name that resolves to this machine", own_address),
    ("a public address of this machine", own_public_address),
    ("an address that no lookup returned", not_looked_up),
    ("a datagram, with a silent name server", datagram),
];

pub(crate) fn cases() -> Vec<Case> {
    let reason = no_network();
    let rows = ROWS.into_iter().map(|(name, _)| {
        Case::check(name, move || in_network(name))
            .timeout(90)
            .unless(reason)
    });
    rows.collect()
}

/// Runs a row if a row started this process, and returns the exit code.
pub(crate) fn run_as_child() -> Option<i32> {
    let name = std::env::var(ROW).ok()?;
    let (_, row) = ROWS.into_iter().find(|(row, _)| *row == name)?;
    match row() {
        Ok(()) => Some(0),
        Err(fact) => {
            let _ = writeln!(io::stderr(), "{fact}");
            Some(1)
        }
    }
}

/// The reason why these rows cannot run here, if there is one.
fn no_network() -> Option<&'static str> {
    let runs = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    };
    let all = cfg!(target_os = "linux")
        && runs("unshare", &["--net", "--mount", "true"])
        && runs("ip", &["-V"]);
    (!all).then_some("needs root, `unshare` and `ip`")
}

/// Sets up the network: an address of this machine and its network, another network
/// that is routed to this machine, and the configuration files of the resolver.
const NETWORK: &str = "
    set -e
    ip link set lo up
    ip address add 9.9.9.9/24 dev lo
    ip route add local 9.9.8.0/24 dev lo
    for file in resolv.conf hosts nsswitch.conf; do
        mount --bind \"$1/$file\" /etc/$file
    done
    exec \"$0\"";

fn in_network(name: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(to_text)?;
    for (file, content) in [
        ("resolv.conf", "nameserver 127.0.0.1\n"),
        (
            "hosts",
            "127.0.0.1 localhost\n9.9.9.9 own.test\n9.9.8.1 there.test\n",
        ),
        ("nsswitch.conf", "hosts: files dns\n"),
    ] {
        std::fs::write(folder.path().join(file), content).map_err(to_text)?;
    }
    let itself = std::env::current_exe().map_err(to_text)?;
    let output = run(Command::new("unshare")
        .args(["--net", "--mount", "sh", "-c", NETWORK])
        .args([&itself, folder.path()])
        .env(ROW, name))?;
    match output.code {
        Some(0) => Ok(()),
        _ => Err(output.stderr.text.trim().to_owned()),
    }
}

/// A name server that receives queries and never answers.
fn silent_server() -> Result<UdpSocket, String> {
    UdpSocket::bind("127.0.0.1:53").map_err(to_text)
}

/// A guest that looks up names: `$ask` (address and length of the name) returns the
/// handle of a lookup, and `$drop` drops it.
fn asking(body: &str) -> Guest {
    let lookup = "wasi:sockets/ip-name-lookup";
    sockets::network(attacker(body))
        .wasi(lookup, "resolve-addresses", "$resolve")
        .wasi(lookup, "[resource-drop]resolve-address-stream", "$drop")
        .global("net")
        .items(
            "(func $ask (param $at i32) (param $length i32) (result i32)
                (if (i32.eqz (global.get $net)) (then (global.set $net (call $network))))
                (call $resolve (global.get $net) (local.get $at) (local.get $length)
                    (i32.const 128))
                (if (i32.load8_u (i32.const 128)) (then unreachable))
                (i32.load (i32.const 132)))",
        )
}

/// Starts and drops ten thousand lookups of twenty names, while another plugin opens a
/// file every 50 ms.
fn dropped() -> Result<(), String> {
    let _server = silent_server()?;
    let body = repeated(
        "$b",
        10_000,
        "(i32.store8 (i32.const 300)
            (i32.add (i32.const 97) (i32.rem_u (local.get $b) (i32.const 20))))
         (call $drop (call $ask (i32.const 300) (i32.const 6)))",
    );
    let guest = asking(&body).data(300, "a.test");
    let names: Vec<_> = ('a'..='t')
        .map(|letter| format!("{letter}.test:*"))
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let grants = network(&names)?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| read_until(&over));
        // Waits until the reader runs.
        thread::sleep(Duration::from_secs(1));
        let seen = attempt(&guest, grants, limits(LONG));
        // Lookups of other plugins must still work.
        let other = expect_answer(
            &connecting(Some("own.test"), [9, 9, 9, 9], 1, true),
            &["own.test:*"],
        );
        thread::sleep(Duration::from_secs(3));
        over.store(true, Ordering::Relaxed);
        let read = reader.join().map_err(|_| "the reader panicked")?;
        let seen = seen?;
        if seen.outcome != Answer {
            return Err(format!("{}: {}", seen.outcome, seen.message));
        }
        other?;
        read
    })
}

/// Opens and closes a file every 50 ms until the attack is over.
fn read_until(over: &AtomicBool) -> Result<(), String> {
    let (_folder, grants) = folder_with("f", b"text")?;
    let body = "(call $close (call $open (call $folder) (i32.const 0) (i32.const 1)))";
    let guest = method(with_files("f", body), "[resource-drop]descriptor", "$close");
    let limits = limits(Duration::from_secs(2));
    let mut plugin = load(&guest, grants, limits).map_err(to_text)?;
    let mut slowest = Duration::ZERO;
    while !over.load(Ordering::Relaxed) {
        let start = Instant::now();
        plugin.process("attack").map_err(|error| {
            format!(
                "the neighbour failed with {error} after {:?}",
                start.elapsed()
            )
        })?;
        slowest = slowest.max(start.elapsed());
        thread::sleep(Duration::from_millis(50));
    }
    match slowest > Duration::from_secs(2) {
        true => Err(format!("the neighbour waited {slowest:?} for a file")),
        false => Ok(()),
    }
}

/// A guest that looks up a name, if there is one, and then connects to an address. It
/// traps if the connection is denied although `denied` is false, or the reverse.
fn connecting(name: Option<&str>, address: [u8; 4], port: u16, denied: bool) -> Guest {
    let lookup = "wasi:sockets/ip-name-lookup";
    let ask = name.map_or_else(String::new, |name| {
        format!(
            "(local.set $a (call $ask (i32.const 300) (i32.const {})))
             (call $block (call $subscribe-name (local.get $a)))
             (call $next (local.get $a) (i32.const 128))
             (if (i32.load8_u (i32.const 128)) (then unreachable))",
            name.len()
        )
    });
    let must = match denied {
        true => IS_DENIED,
        false => "(if (i32.load8_u (i32.const 128)) (then unreachable))",
    };
    let connect = sockets::connect(address, port);
    sockets::tcp(asking(&format!("{ask} {connect} {must}")))
        .data(300, name.unwrap_or_default())
        .wasi(
            lookup,
            "[method]resolve-address-stream.subscribe",
            "$subscribe-name",
        )
        .wasi(
            lookup,
            "[method]resolve-address-stream.resolve-next-address",
            "$next",
        )
}

/// Traps unless the result at 128 is the error `access-denied`, whose number is 1.
const IS_DENIED: &str = "
    (if (i32.ne (i32.load8_u (i32.const 128)) (i32.const 1)) (then unreachable))
    (if (i32.ne (i32.load8_u (i32.const 132)) (i32.const 1)) (then unreachable))";

/// Listens on a free port of an address.
fn listen(address: &str) -> Result<(TcpListener, u16), String> {
    let text = |error: io::Error| format!("{address}: {error}");
    let listener = TcpListener::bind((address, 0)).map_err(text)?;
    let port = listener.local_addr().map_err(text)?.port();
    Ok((listener, port))
}

fn expect_answer(guest: &Guest, grants: &[&str]) -> Result<(), String> {
    let seen = attempt(guest, network(grants)?, limits(LONG))?;
    match seen.outcome {
        Answer => Ok(()),
        outcome => Err(format!("{grants:?}: {outcome}: {}", seen.message)),
    }
}

fn own_address() -> Result<(), String> {
    let (_listener, port) = listen("9.9.9.9")?;
    let by_name = |denied| connecting(Some("own.test"), [9, 9, 9, 9], port, denied);
    expect_answer(&by_name(true), &["own.test:*"])?;
    // A grant of the address itself allows it.
    expect_answer(&by_name(false), &["own.test:*", "9.9.9.9:*"])
}

fn own_public_address() -> Result<(), String> {
    let (_listener, port) = listen("9.9.9.9")?;
    let connect = |denied| connecting(None, [9, 9, 9, 9], port, denied);
    expect_answer(&connect(true), &["public:*"])?;
    expect_answer(&connect(true), &["9.9.0.0/16:*"])?;
    expect_answer(&connect(false), &["9.9.9.0/24:*"])
}

fn not_looked_up() -> Result<(), String> {
    let (_listener, port) = listen("9.9.8.1")?;
    let grants = ["there.test:*"];
    let connect = |name, last, denied| connecting(name, [9, 9, 8, last], port, denied);
    expect_answer(&connect(Some("there.test"), 1, false), &grants)?;
    expect_answer(&connect(None, 1, true), &grants)?;
    expect_answer(&connect(Some("there.test"), 2, true), &grants)
}

fn datagram() -> Result<(), String> {
    let _server = silent_server()?;
    let udp = "wasi:sockets/udp";
    let rest = "(i32.const 0) ".repeat(6);
    let body = format!(
        "(call $socket (i32.const 0) (i32.const 128))
         (local.set $a (i32.load (i32.const 132)))
         (call $bind (local.get $a) (call $network) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) {rest}
            (i32.const 128))
         (if (i32.load8_u (i32.const 128)) (then unreachable))
         (call $bound (local.get $a) (i32.const 128))
         (if (i32.load8_u (i32.const 128)) (then unreachable))
         (call $stream (local.get $a) (i32.const 1) (i32.const 0)
            (i32.const 53) (i32.const 9) (i32.const 9) (i32.const 8) (i32.const 1) {rest}
            (i32.const 128))
         {IS_DENIED}"
    );
    let guest = sockets::network(attacker(&body))
        .wasi(
            "wasi:sockets/udp-create-socket",
            "create-udp-socket",
            "$socket",
        )
        .wasi(udp, "[method]udp-socket.start-bind", "$bind")
        .wasi(udp, "[method]udp-socket.finish-bind", "$bound")
        .wasi(udp, "[method]udp-socket.stream", "$stream");
    let start = Instant::now();
    expect_answer(&guest, &["a.test:*"])?;
    match start.elapsed() < LONG {
        true => Ok(()),
        false => Err(format!("it took {:?}", start.elapsed())),
    }
}
