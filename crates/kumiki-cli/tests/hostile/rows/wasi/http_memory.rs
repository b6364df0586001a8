//! Rows: what handles of `wasi:http` keep in the host's memory. Nothing is granted.

use test_components::TextPlugin;

use crate::guests::{attacker, room};
use crate::suite::Case;
use crate::suite::Outcome::{Answer, Limit};

const HTTP: &str = "wasi:http/types";

pub(crate) fn cases() -> Vec<Case> {
    vec![
        set(
            "30 requests to authorities of 15 MB",
            "authority",
            "(i32.const 1) (i32.const 131072) (i32.const 15000000)",
            30,
        ),
        set(
            "30 requests of methods of 15 MB",
            "method",
            "(i32.const 9) (i32.const 131072) (i32.const 15000000)",
            30,
        ),
        set(
            "30 requests of schemes of 15 MB",
            "scheme",
            "(i32.const 1) (i32.const 2) (i32.const 131072) (i32.const 15000000)",
            30,
        ),
        set(
            "30 requests of paths of 15 MB",
            "path-with-query",
            "(i32.const 1) (i32.const 131072) (i32.const 15000000)",
            30,
        ),
        set(
            "a path set 10,000 times",
            "path-with-query",
            "(i32.const 1) (i32.const 131072) (i32.const 60000)",
            0,
        ),
        Case::guest(
            "4,000 requests of paths of 60 KB",
            Limit,
            "128 MiB of HTTP requests",
            requests(
                "path-with-query",
                "(i32.const 1) (i32.const 131072) (i32.const 60000)",
                4_000,
            ),
        )
        .within(192),
        Case::guest(
            "3,000 headers of 100 KB",
            Limit,
            "128 MiB of HTTP requests",
            attacker(&format!(
                "{} (local.set $a (i32.const 3000))
                 (loop $next
                    (call $append (call $fields) (i32.const 300) (i32.const 1)
                        (i32.const 131072) (i32.const 100000) (i32.const 128))
                    (br_if $next (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))",
                filled(100_000)
            ))
            .data(300, "x")
            .wasi(HTTP, "[constructor]fields", "$fields")
            .wasi(HTTP, "[method]fields.append", "$append"),
        )
        .within(192),
        Case::guest(
            "3,000 bodies of requests",
            Limit,
            "128 MiB of HTTP requests",
            attacker(
                "(local.set $a (i32.const 3000))
                 (loop $next
                    (call $body (call $request (call $fields)) (i32.const 128))
                    (br_if $next (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))",
            )
            .wasi(HTTP, "[constructor]fields", "$fields")
            .wasi(HTTP, "[constructor]outgoing-request", "$request")
            .wasi(HTTP, "[method]outgoing-request.body", "$body"),
        ),
    ]
}

/// Fills this many bytes from page 2 on with slashes, which any text may have.
fn filled(bytes: usize) -> String {
    format!(
        "{} (memory.fill (i32.const 131072) (i32.const 97) (i32.const {bytes}))
         (i32.store8 (i32.const 131072) (i32.const 47))",
        room(bytes)
    )
}

/// A guest that sets a text of this many new requests; with 0, of one, 10,000 times.
fn requests(what: &str, text: &str, count: usize) -> TextPlugin {
    let (first, again, times) = match count {
        0 => ("(local.set $b (call $request (call $fields)))", "", 10_000),
        _ => ("", "(local.set $b (call $request (call $fields)))", count),
    };
    let slash = match what {
        "path-with-query" => "",
        _ => "(i32.store8 (i32.const 131072) (i32.const 97))",
    };
    attacker(&format!(
        "{} {slash} {first} (local.set $a (i32.const {times}))
         (loop $next
            {again}
            (drop (call $set (local.get $b) {text}))
            (br_if $next (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))",
        filled(15_000_000)
    ))
    .wasi(HTTP, "[constructor]fields", "$fields")
    .wasi(HTTP, "[constructor]outgoing-request", "$request")
    .wasi(
        HTTP,
        &format!("[method]outgoing-request.set-{what}"),
        "$set",
    )
}

/// A row whose guest gets an error, and goes on.
fn set(name: &'static str, what: &str, text: &str, count: usize) -> Case {
    Case::guest(name, Answer, "", requests(what, text, count)).within(96)
}
