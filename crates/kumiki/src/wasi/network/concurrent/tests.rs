use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use test_components::wasi_0_3::Guest;
use wasmtime::Store;

use crate::limits::{Limit, Reached};
use crate::wasi::Granted;
use crate::wasi::test_instances::{Denials, concurrent_store, concurrent_store_with, run};
use crate::{Grants, Limits, StoreData};

const TYPES: &str = "wasi:sockets/types";
const SOON: Duration = Duration::from_secs(20);

/// The codes of errors: of `create`, and of the function after it.
const CREATE_DENIED: u64 = 1000;
const DENIED: u64 = 2000;

fn granted(network: &[String]) -> Arc<Granted> {
    let grants = network.iter().fold(Grants::default(), |grants, text| {
        grants.with_network(text.parse().unwrap())
    });
    Arc::new(Granted::open(&grants).unwrap())
}

fn call(store: &mut Store<StoreData>, guest: &[u8], argument: u64) -> u64 {
    run(store, guest, argument, SOON).unwrap().unwrap()
}

/// Functions that return from `run` if the result at 512 is an error.
fn or_return(code: u64) -> String {
    format!(
        "(if (i32.load8_u (i32.const 512)) (then (return (i64.add (i64.const {code})
            (i64.extend_i32_u (i32.load8_u (i32.const 516)))))))"
    )
}

/// Imports of TCP, and a function that creates a socket and connects it to a port.
fn tcp() -> Guest {
    const SEND: &str = "[method]tcp-socket.send";
    const RECEIVE: &str = "[method]tcp-socket.receive";
    Guest::new()
        .import(TYPES, "[static]tcp-socket.create", "$create")
        .import(TYPES, "[method]tcp-socket.connect", "$connect")
        .import(TYPES, "[method]tcp-socket.bind", "$bind")
        .import(TYPES, "[method]tcp-socket.listen", "$listen")
        .import(TYPES, "[resource-drop]tcp-socket", "$close")
        .import(TYPES, SEND, "$send")
        .built_in(TYPES, SEND, "stream-new-0", "$new", "(result i64)")
        .transfer(TYPES, SEND, "stream-write-0", "$put")
        .built_in(TYPES, SEND, "stream-drop-writable-0", "$end", "(param i32)")
        .import(TYPES, RECEIVE, "$receive")
        .transfer(TYPES, RECEIVE, "stream-read-0", "$next")
        .built_in(
            TYPES,
            RECEIVE,
            "stream-drop-readable-0",
            "$stop",
            "(param i32)",
        )
        .items("(data (i32.const 300) \"hi\")")
        .items(
            "(func $connect-to (param $port i64)
                (call $connect (i32.load (i32.const 516)) (i32.const 0)
                    (i32.wrap_i64 (local.get $port))
                    (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1)
                    (i32.const 0) (i32.const 0) (i32.const 0)
                    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512)))",
        )
}

/// Connects to the port of the argument, sends two bytes, and returns the first byte of the
/// answer.
fn client() -> Vec<u8> {
    tcp().run(&format!(
        "(local $socket i32) (local $ends i64) (local $to i32)
         (call $create (i32.const 0) (i32.const 512))
         {}
         (local.set $socket (i32.load (i32.const 516)))
         (call $connect-to (local.get $argument))
         {}
         (local.set $ends (call $new))
         (local.set $to (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
         (drop (call $send (local.get $socket) (i32.wrap_i64 (local.get $ends))))
         (drop (call $put (local.get $to) (i32.const 300) (i32.const 2)))
         (call $end (local.get $to))
         (call $receive (local.get $socket) (i32.const 600))
         (drop (call $next (i32.load (i32.const 600)) (i32.const 700) (i32.const 100)))
         (call $close (local.get $socket))
         (i64.extend_i32_u (i32.load8_u (i32.const 700)))",
        or_return(CREATE_DENIED),
        or_return(DENIED),
    ))
}

/// Answers each connection with its bytes.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            thread::spawn(move || {
                let mut bytes = [0; 2];
                if connection.read_exact(&mut bytes).is_ok() {
                    let _ = connection.write_all(&bytes);
                }
            });
        }
    });
    port
}

#[test]
fn granted_address_is_reached_and_no_other() {
    let (port, other) = (echo(), echo());
    let client = client();
    let denials = Arc::new(Denials::default());
    let reached = granted(&[format!("127.0.0.1:{port}")]);
    let mut store = concurrent_store_with(&reached, &Limits::default(), denials.clone());
    assert_eq!(call(&mut store, &client, port.into()), u64::from(b'h'));
    assert_eq!(call(&mut store, &client, other.into()), DENIED);
    assert_eq!(denials.all().len(), 1, "{:?}", denials.all());
}

#[test]
fn sockets_without_a_grant_are_refused_and_reported_once() {
    let denials = Arc::new(Denials::default());
    let mut store = concurrent_store_with(&granted(&[]), &Limits::default(), denials.clone());
    for _ in 0..3 {
        assert_eq!(call(&mut store, &client(), 80), CREATE_DENIED);
    }
    assert_eq!(denials.all(), ["Sockets"]);
}

#[test]
fn plugin_cannot_listen() {
    let listens = |first: &str| {
        tcp().run(&format!(
            "(call $create (i32.const 0) (i32.const 512))
             (i32.store (i32.const 400) (i32.load (i32.const 516)))
             {first}
             (call $listen (i32.load (i32.const 400)) (i32.const 512))
             {} (i64.const 0)",
            or_return(DENIED)
        ))
    };
    let bind = "(call $bind (i32.load (i32.const 400)) (i32.const 0) (i32.const PORT)
        (i32.const IP) (i32.const 0) (i32.const 0) (i32.const IP)
        (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))";
    let bind = |ip: &str, port: &str| bind.replace("IP", ip).replace("PORT", port);
    let granted = granted(&["loopback:*".into(), "public:*".into()]);
    let mut store = concurrent_store(&granted);
    assert_eq!(call(&mut store, &listens(""), 0), DENIED);
    assert_eq!(call(&mut store, &listens(&bind("0", "0")), 0), DENIED);
    for (ip, port) in [("1", "0"), ("0", "8080")] {
        let binds = listens(&(bind(ip, port) + &or_return(3000)));
        assert_eq!(call(&mut store, &binds, 0), 3000);
    }
}

/// Connects 40 times, and drops the socket but not its stream, if `keep` is 0.
#[test]
fn open_stream_counts_as_its_descriptor() {
    let port = echo();
    let connects = |then: &str| {
        tcp().run(&format!(
            "(local $count i64)
             (loop $again
                (call $create (i32.const 0) (i32.const 512))
                {}
                (i32.store (i32.const 400) (i32.load (i32.const 516)))
                (call $connect-to (local.get $argument))
                {}
                (call $receive (i32.load (i32.const 400)) (i32.const 600))
                (call $close (i32.load (i32.const 400)))
                {then}
                (local.set $count (i64.add (local.get $count) (i64.const 1)))
                (br_if $again (i64.lt_u (local.get $count) (i64.const 40))))
             (local.get $count)",
            or_return(CREATE_DENIED),
            or_return(DENIED),
        ))
    };
    let limits = Limits::default().with_descriptors(16);
    let granted = granted(&["loopback:*".into()]);
    let store = || concurrent_store_with(&granted, &limits, Arc::new(crate::Silent));
    let error = run(&mut store(), &connects(""), port.into(), SOON);
    let error = error.unwrap().unwrap_err();
    let reached = error.downcast_ref::<Reached>().map(|reached| reached.0);
    assert_eq!(reached, Some(Limit::Descriptors(16)), "{error:?}");
    // The permit returns when the stream is dropped, after the event loop ran.
    let stop = "(call $stop (i32.load (i32.const 600)))";
    assert_eq!(call(&mut store(), &connects(stop), port.into()), 40);
}

#[test]
fn datagrams_reach_granted_addresses_only() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = receiver.local_addr().unwrap().port();
    let sender = Guest::new()
        .import(TYPES, "[static]udp-socket.create", "$create")
        .import(TYPES, "[method]udp-socket.send", "$send")
        .items("(data (i32.const 300) \"hi\")")
        .run(&format!(
            "(call $create (i32.const 0) (i32.const 512))
             {}
             (call $send (i32.load (i32.const 516)) (i32.const 300) (i32.const 2)
                (i32.const 1) (i32.const 0) (i32.wrap_i64 (local.get $argument))
                (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1)
                (i32.const 0) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
             {} (i64.const 0)",
            or_return(CREATE_DENIED),
            or_return(DENIED),
        ));
    let mut store = concurrent_store(&granted(&[format!("127.0.0.1:{port}")]));
    assert_eq!(call(&mut store, &sender, port.into()), 0);
    let mut bytes = [0; 10];
    receiver.set_read_timeout(Some(SOON)).unwrap();
    assert_eq!(receiver.recv(&mut bytes).unwrap(), 2);
    assert_eq!(call(&mut store, &sender, 9), DENIED);
}

#[test]
fn granted_names_are_looked_up_and_no_other() {
    let lookup = |name: &str| {
        Guest::new()
            .import(
                "wasi:sockets/ip-name-lookup",
                "resolve-addresses",
                "$look-up",
            )
            .items(&format!("(data (i32.const 300) \"{name}\")"))
            .run(&format!(
                "(call $look-up (i32.const 300) (i32.const {}) (i32.const 512))
                 {} (i64.extend_i32_u (i32.load (i32.const 520)))",
                name.len(),
                or_return(DENIED)
            ))
    };
    let mut store = concurrent_store(&granted(&["localhost:80".into()]));
    assert!((1..100).contains(&call(&mut store, &lookup("localhost"), 0)));
    assert_eq!(call(&mut store, &lookup("127.0.0.1"), 0), 1);
    assert_eq!(call(&mut store, &lookup("example.com"), 0), DENIED);
    let mut store = concurrent_store(&granted(&[]));
    assert_eq!(call(&mut store, &lookup("127.0.0.1"), 0), DENIED);
}
