use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use test_components::wasi_0_3::Guest;

use crate::Grants;
use crate::wasi::Granted;
use crate::wasi::test_instances::{concurrent_store, run};

const TYPES: &str = "wasi:http/types";

/// Sends a request to `127.0.0.1:PORT` and returns the status times 1,000, plus the length
/// of the body; or 1,000,000 plus the code of the error.
fn client(port: u16) -> Vec<u8> {
    const NEW: &str = "[static]request.new";
    const BODY: &str = "[static]response.consume-body";
    let authority = format!("127.0.0.1:{port}");
    Guest::new()
        .import(TYPES, "[constructor]fields", "$fields")
        .import(TYPES, NEW, "$new")
        .built_in(TYPES, NEW, "future-new-1", "$trailers", "(result i64)")
        .import(TYPES, "[method]request.set-scheme", "$set-scheme")
        .import(TYPES, "[method]request.set-authority", "$set-authority")
        .import(TYPES, "[method]request.set-path-with-query", "$set-path")
        .import("wasi:http/client", "send", "$send")
        .import(TYPES, "[method]response.get-status-code", "$status")
        .import(TYPES, BODY, "$body")
        .built_in(TYPES, BODY, "future-new-0", "$received", "(result i64)")
        .transfer(TYPES, BODY, "stream-read-1", "$next")
        .items(&format!("(data (i32.const 300) \"/{authority}\")"))
        .run(&format!(
            "(local $request i32) (local $response i32) (local $result i64) (local $got i32)
             (call $new (call $fields) (i32.const 0) (i32.const 0)
                (i32.wrap_i64 (call $trailers)) (i32.const 0) (i32.const 0) (i32.const 600))
             (local.set $request (i32.load (i32.const 600)))
             (drop (call $set-scheme (local.get $request) (i32.const 1) (i32.const 0)
                (i32.const 0) (i32.const 0)))
             (drop (call $set-authority (local.get $request) (i32.const 1) (i32.const 301)
                (i32.const {})))
             (drop (call $set-path (local.get $request) (i32.const 1) (i32.const 300)
                (i32.const 1)))
             (call $send (local.get $request) (i32.const 512))
             (if (i32.load8_u (i32.const 512)) (then (return (i64.add (i64.const 1000000)
                (i64.extend_i32_u (i32.load8_u (i32.const 520)))))))
             (local.set $response (i32.load (i32.const 520)))
             (local.set $result (i64.mul (i64.const 1000)
                (i64.extend_i32_u (call $status (local.get $response)))))
             (call $body (local.get $response) (i32.wrap_i64 (call $received)) (i32.const 600))
             (loop $more
                (local.set $got (call $next (i32.load (i32.const 600)) (i32.const 8192)
                    (i32.const 1000)))
                (local.set $result (i64.add (local.get $result)
                    (i64.extend_i32_u (i32.shr_u (local.get $got) (i32.const 4)))))
                (br_if $more (i32.eqz (i32.and (local.get $got) (i32.const 15)))))
             (local.get $result)",
            authority.len()
        ))
}

/// Answers each request with a body of 700 bytes.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            thread::spawn(move || {
                let _ = connection.read(&mut [0; 4096]);
                let head = "HTTP/1.1 203 Fine\r\ncontent-length: 700\r\n\r\n";
                let _ = connection.write_all(head.as_bytes());
                let _ = connection.write_all(&[b'a'; 700]);
            });
        }
    });
    port
}

#[test]
fn request_is_sent_to_a_granted_address_and_no_other() {
    const DENIED: u64 = 1_000_015;
    let soon = Duration::from_secs(20);
    let (port, other) = (server(), server());
    let grants = Grants::default().with_network(format!("127.0.0.1:{port}").parse().unwrap());
    let mut store = concurrent_store(&Arc::new(Granted::open(&grants).unwrap()));
    let sent = run(&mut store, &client(port), 0, soon);
    assert_eq!(sent.unwrap().unwrap(), 203_700);
    let sent = run(&mut store, &client(other), 0, soon);
    assert_eq!(sent.unwrap().unwrap(), DENIED);
    let mut store = concurrent_store(&Arc::default());
    let sent = run(&mut store, &client(port), 0, soon);
    assert_eq!(sent.unwrap().unwrap(), DENIED);
}
