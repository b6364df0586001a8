//! Rows: guests that fill the host's memory with requests and headers that they never
//! send. They need no grant.

use test_components::{ECHO, TextPlugin};

use crate::guests::{attacker, repeated, room};
use crate::suite::Case;
use crate::suite::Outcome::{Answer, Limit, Trap};

const TYPES: &str = "wasi:http/types";

pub(crate) fn cases() -> Vec<Case> {
    vec![
        row("60 requests with an authority of 20 MB", "set-authority", 1),
        row("60 requests with a path of 20 MB", "set-path-with-query", 1),
        row("60 requests with a method of 20 MB", "set-method", 9),
        row("60 requests with a scheme of 20 MB", "set-scheme", 1),
        Case::guest("a path set 10,000 times", Answer, "", paths(false, 10_000)).within(96),
        Case::guest(
            "4,000 requests with paths of 60 KB",
            Limit,
            "128 MiB of HTTP requests",
            paths(true, 4_000),
        )
        .within(192),
        Case::guest(
            "3,000 headers of 100 KB",
            Limit,
            "128 MiB of HTTP requests",
            headers(
                "(call $append (local.get $b) (i32.const 300) (i32.const 1)
                    (i32.const 131072) (i32.const 100000) (i32.const 128))",
                "(call $fields)",
                3_000,
            ),
        )
        .within(192),
        Case::guest(
            "3,000 copies of a header of 100 KB, after a delete without effect",
            Limit,
            "128 MiB of HTTP requests",
            headers(
                "(call $delete (call $clone (local.get $b)) (i32.const 301) (i32.const 1)
                    (i32.const 128))",
                "(local.get $b)",
                3_000,
            ),
        )
        .within(192),
        Case::guest(
            "700 headers of 3,200 values, deleted again",
            Answer,
            "",
            deleted_values(700),
        )
        .within(96),
        Case::guest(
            "a response created by a plugin",
            Trap,
            "a plugin has no requests to respond to",
            attacker("(drop (call $response (call $fields)))")
                .wasi(TYPES, "[constructor]fields", "$fields")
                .wasi(TYPES, "[constructor]outgoing-response", "$response"),
        ),
        Case::guest(
            "1,500 trailers of 3,200 values",
            Limit,
            "128 MiB of HTTP requests",
            trailers(1_500),
        )
        .within(192),
        Case::guest(
            "3,000 bodies of requests",
            Limit,
            "128 MiB of HTTP requests",
            attacker(&repeated(
                "$a",
                3_000,
                "(call $body (call $request (call $fields)) (i32.const 128))",
            ))
            .wasi(TYPES, "[constructor]fields", "$fields")
            .wasi(TYPES, "[constructor]outgoing-request", "$request")
            .wasi(TYPES, "[method]outgoing-request.body", "$body"),
        ),
    ]
}

/// Fills this many bytes from page 2 on with a path, which is also a valid header value.
fn filled(bytes: usize) -> String {
    format!(
        "{} (memory.fill (i32.const 131072) (i32.const 97) (i32.const {bytes}))
         (i32.store8 (i32.const 131072) (i32.const 47))",
        room(bytes)
    )
}

/// A guest that sets a path of 60 KB this many times, on a new request each time or
/// always on the same one.
fn paths(new_request_each_time: bool, times: u32) -> TextPlugin {
    let new = "(local.set $b (call $request (call $fields)))";
    let (once, each_time) = if new_request_each_time {
        ("", new)
    } else {
        (new, "")
    };
    let set = "(drop (call $set (local.get $b)
                (i32.const 1) (i32.const 131072) (i32.const 60000)))";
    attacker(&format!(
        "{} {once} {}",
        filled(60_000),
        repeated("$a", times, &format!("{each_time} {set}"))
    ))
    .wasi(TYPES, "[constructor]fields", "$fields")
    .wasi(TYPES, "[constructor]outgoing-request", "$request")
    .wasi(
        TYPES,
        "[method]outgoing-request.set-path-with-query",
        "$set",
    )
}

/// A guest that creates a header of 100 KB, and repeats `step` with the headers `next`
/// in `$b`.
fn headers(step: &str, next: &str, times: u32) -> TextPlugin {
    attacker(&format!(
        "{} (local.set $b (call $fields))
         (call $append (local.get $b) (i32.const 300) (i32.const 1)
            (i32.const 131072) (i32.const 100000) (i32.const 128))
         {}",
        filled(100_000),
        repeated("$a", times, &format!("(local.set $b {next}) {step}"))
    ))
    .data(300, "xy")
    .wasi(TYPES, "[constructor]fields", "$fields")
    .wasi(TYPES, "[method]fields.append", "$append")
    .wasi(TYPES, "[method]fields.clone", "$clone")
    .wasi(TYPES, "[method]fields.delete", "$delete")
}

/// Writes a list of 3,200 empty values of one header to page 2.
const VALUES: &str = "(drop (memory.grow (i32.const 4)))
         (loop $fill
            (local.set $b (i32.add (i32.const 131072) (i32.shl (local.get $a) (i32.const 4))))
            (i32.store (local.get $b) (i32.const 300))
            (i32.store offset=4 (local.get $b) (i32.const 1))
            (i32.store offset=8 (local.get $b) (i32.const 300))
            (i32.store offset=12 (local.get $b) (i32.const 0))
            (local.set $a (i32.add (local.get $a) (i32.const 1)))
            (br_if $fill (i32.lt_u (local.get $a) (i32.const 3200))))";

/// A guest that creates this many headers of 3,200 empty values each, and deletes the
/// values.
fn deleted_values(times: u32) -> TextPlugin {
    let create_and_delete = "
        (call $from (i32.const 131072) (i32.const 3200) (i32.const 128))
        (if (i32.load8_u (i32.const 128)) (then unreachable))
        (call $delete (i32.load (i32.const 132)) (i32.const 300) (i32.const 1)
            (i32.const 144))
        (if (i32.load8_u (i32.const 144)) (then unreachable))";
    attacker(&format!(
        "{VALUES} {}",
        repeated("$a", times, create_and_delete)
    ))
    .data(300, "xy")
    .wasi(TYPES, "[static]fields.from-list", "$from")
    .wasi(TYPES, "[method]fields.delete", "$delete")
}

/// A guest that finishes bodies with trailers of 3,200 empty values each. All trailers
/// must be refused.
fn trailers(times: u32) -> TextPlugin {
    let finish = "
        (call $body (call $request (call $fields)) (i32.const 128))
        (call $from (i32.const 131072) (i32.const 3200) (i32.const 144))
        (call $finish (i32.load (i32.const 132)) (i32.const 1)
            (i32.load (i32.const 148)) (i32.const 160))
        (if (i32.eqz (i32.load8_u (i32.const 160))) (then unreachable))";
    attacker(&format!("{VALUES} {}", repeated("$a", times, finish)))
        .data(300, "xy")
        .wasi(TYPES, "[constructor]fields", "$fields")
        .wasi(TYPES, "[constructor]outgoing-request", "$request")
        .wasi(TYPES, "[method]outgoing-request.body", "$body")
        .wasi(TYPES, "[static]fields.from-list", "$from")
        .wasi(TYPES, "[static]outgoing-body.finish", "$finish")
}

/// A row that sets the same text of 20 MB on 60 requests: 10 for each of 6 records.
/// `kind` is the case of the variant or option that contains the text.
fn row(name: &'static str, function: &str, kind: u32) -> Case {
    // A scheme is an option of a variant.
    let kind = match function {
        "set-scheme" => "(i32.const 1) (i32.const 2)".to_owned(),
        _ => format!("(i32.const {kind})"),
    };
    let set = format!(
        "(local.set $request (call $request (call $fields)))
         (if (i32.eqz (call $set (local.get $request) {kind} (local.get $text)
                (i32.const 20000000)))
            (then unreachable))"
    );
    let process = format!(
        "(local $left i32) (local $request i32) (local $text i32)
         (local.set $text (i32.mul (memory.grow (i32.const 320)) (i32.const 65536)))
         (memory.fill (local.get $text) (i32.const 97) (i32.const 20000000))
         {}
         {ECHO}",
        repeated("$left", 10, &set)
    );
    let guest = TextPlugin::new("hostile")
        .with_all_of_wasi()
        .wasi(TYPES, "[constructor]fields", "$fields")
        .wasi(TYPES, "[constructor]outgoing-request", "$request")
        .wasi(
            TYPES,
            &format!("[method]outgoing-request.{function}"),
            "$set",
        )
        .process(&process);
    Case::in_scene(name, move |scene| {
        scene.file("work/p.wasm", guest.build())?;
        scene.file("work/in.txt", "x\n".repeat(6))?;
        let output = scene.run("run -q -p p.wasm in.txt -o raw --jobs 1 --memory-limit 256MiB")?;
        output.expect_within(0, 512)
    })
}
