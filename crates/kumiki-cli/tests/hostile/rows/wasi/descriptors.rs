//! Rows: guests that open, list and write more than their limits.

use std::fs::File;
use std::net::TcpListener;
use std::time::Duration;

use kumiki::Grants;

use crate::guests::files::{method, stream_method, with_files};
use crate::guests::{attacker, repeated};
use crate::suite::Outcome::{Answer, Limit, Trap};
use crate::suite::granted::{LONG, attempt, folder, folder_with, limits, network};
use crate::suite::{Case, to_text};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = opened();
    cases.extend(listed());
    cases.extend(written());
    cases.extend(sockets());
    cases.push(connections());
    #[cfg(unix)]
    cases.push(few_descriptors());
    cases
}

/// Repeats `body` this many times, and frees the memory of its results each time.
fn times(count: u32, body: &str) -> String {
    repeated("$b", count, &format!("{body} (call $reset)"))
}

fn opened() -> Vec<Case> {
    let open = times(
        2000,
        "(drop (call $open (local.get $a) (i32.const 0) (i32.const 1)))",
    );
    let body = format!("(local.set $a (call $folder)) {open}");
    let closing = times(
        2000,
        "(call $close (call $open (local.get $a) (i32.const 0) (i32.const 1)))",
    );
    let with_streams = times(
        2000,
        "(local.set $b (local.get $b))
         (call $stream (call $open (local.get $a) (i32.const 0) (i32.const 1)) (i64.const 0)
            (i32.const 128))",
    );
    let name = "[resource-drop]descriptor";
    vec![
        Case::granted(
            "2,000 files opened",
            (Limit, "256 open files"),
            with_files("f", &body),
            limits(LONG),
            || folder_with("f", b"text"),
        ),
        Case::granted(
            "2,000 files opened and closed",
            (Answer, ""),
            method(
                with_files("f", &format!("(local.set $a (call $folder)) {closing}")),
                name,
                "$close",
            ),
            limits(LONG),
            || folder_with("f", b"text"),
        ),
        Case::granted(
            "2,000 files opened for streams",
            (Limit, "256 open files"),
            method(
                with_files(
                    "f",
                    &format!("(local.set $a (call $folder)) {with_streams}"),
                ),
                "[method]descriptor.read-via-stream",
                "$stream",
            ),
            limits(LONG),
            || folder_with("f", b"text"),
        ),
    ]
}

/// The number of files in the large folder.
const MANY: usize = 100_000;

fn large_folder() -> Result<(tempfile::TempDir, Grants), String> {
    let (folder, grants) = folder()?;
    for number in 0..MANY {
        let path = folder.path().join(format!("a-file-with-a-name-{number}"));
        File::create(path).map_err(to_text)?;
    }
    Ok((folder, grants))
}

fn listed() -> Vec<Case> {
    let list = times(
        10_000,
        "(call $list (local.get $a) (i32.const 128))
         (if (i32.load8_u (i32.const 128)) (then unreachable))",
    );
    let body = format!("(local.set $a (call $folder)) {list}");
    let all = "(call $list (call $folder) (i32.const 128))
         (local.set $a (i32.load (i32.const 132)))
         (loop $next
            (call $entry (local.get $a) (i32.const 128))
            (if (i32.load8_u (i32.const 128)) (then unreachable))
            (local.set $b (i32.add (local.get $b) (i32.const 1)))
            (br_if $next (i32.load8_u (i32.const 132))))
         (if (i32.ne (local.get $b) (i32.const 100001)) (then unreachable))";
    let name = "[method]descriptor.read-directory";
    vec![
        Case::granted(
            "a folder of 100,000 files listed 10,000 times",
            (Limit, "256 open files"),
            method(with_files("f", &body), name, "$list"),
            limits(LONG),
            large_folder,
        )
        .within(48)
        .timeout(240),
        Case::granted(
            "a folder of 100,000 files listed to its end",
            (Answer, ""),
            method(
                method(with_files("f", all), name, "$list"),
                "[method]directory-entry-stream.read-directory-entry",
                "$entry",
            ),
            limits(LONG),
            large_folder,
        )
        .within(48)
        .timeout(240),
    ]
}

fn written() -> Vec<Case> {
    // Writes 1 MiB at once to the stream `$a`.
    let write = "(drop (memory.grow (i32.const 16)))
         (call $write (local.get $a) (i32.const 4096) (i32.const 1048576) (i32.const 128))";
    let to_file = format!(
        "(call $stream (call $open (call $folder) (i32.const 1) (i32.const 2)) (i64.const 0)
            (i32.const 128))
         (local.set $a (i32.load (i32.const 132))) {write}"
    );
    let name = "[method]output-stream.write";
    let file = method(
        with_files("f", &to_file),
        "[method]descriptor.write-via-stream",
        "$stream",
    );
    let output = attacker(&format!("(local.set $a (call $stdout)) {write}"));
    vec![
        Case::granted(
            "a file written beyond check-write",
            (Trap, "`check-write` permits 65536"),
            stream_method(file, name, "$write"),
            limits(LONG),
            folder,
        ),
        Case::granted(
            "standard output beyond check-write",
            (Trap, "`check-write` permits 65536"),
            stream_method(
                output.wasi("wasi:cli/stdout", "get-stdout", "$stdout"),
                name,
                "$write",
            ),
            limits(LONG),
            || Ok(((), Grants::default())),
        ),
    ]
}

fn sockets() -> Vec<Case> {
    let loopback = || Ok(((), network(&["loopback:*"])?));
    let row = |name, kind: &str| {
        let body = times(2000, "(call $socket (i32.const 0) (i32.const 128))");
        let guest = attacker(&body).wasi(
            &format!("wasi:sockets/{kind}-create-socket"),
            &format!("create-{kind}-socket"),
            "$socket",
        );
        Case::granted(
            name,
            (Limit, "256 open files"),
            guest,
            limits(LONG),
            loopback,
        )
    };
    vec![
        row("2,000 TCP sockets", "tcp"),
        row("2,000 UDP sockets", "udp"),
    ]
}

/// Sends requests to a server that accepts connections and does not answer. The number
/// of open connections must stay within the plugin's descriptor limit.
fn connections() -> Case {
    const MAX: usize = 8;
    let http = "wasi:http/types";
    let body = times(
        50,
        "(local.set $a (call $request (call $fields)))
         (drop (call $authority (local.get $a) (i32.const 1) (i32.const 300)
            (global.get $length)))
         (drop (call $path (local.get $a) (i32.const 1) (i32.const 400) (i32.const 1)))
         (drop (call $scheme (local.get $a) (i32.const 1) (i32.const 0) (i32.const 0)
            (i32.const 0)))
         (call $handle (local.get $a) (i32.const 0) (i32.const 0) (i32.const 128))
         (if (i32.load8_u (i32.const 128)) (then unreachable))",
    );
    let body = format!("{body} (call $block (call $sleep (i64.const 3600000000000)))");
    Case::new(
        "50 requests to a server that does not answer",
        Limit,
        "time of 1s",
        move || {
            let listener = TcpListener::bind("127.0.0.1:0").map_err(to_text)?;
            let address = listener.local_addr().map_err(to_text)?.to_string();
            let guest = attacker(&body)
                .wasi(http, "[constructor]fields", "$fields")
                .wasi(http, "[constructor]outgoing-request", "$request")
                .wasi(http, "[method]outgoing-request.set-authority", "$authority")
                .wasi(http, "[method]outgoing-request.set-scheme", "$scheme")
                .wasi(
                    http,
                    "[method]outgoing-request.set-path-with-query",
                    "$path",
                )
                .wasi("wasi:http/outgoing-handler", "handle", "$handle")
                .wasi(
                    "wasi:clocks/monotonic-clock",
                    "subscribe-duration",
                    "$sleep",
                )
                .wasi("wasi:io/poll", "[method]pollable.block", "$block")
                .items(&format!(
                    "(global $length i32 (i32.const {}))",
                    address.len()
                ))
                .data(300, &address)
                .data(400, "/");
            let limits = limits(Duration::from_secs(1)).with_descriptors(MAX);
            let seen = attempt(&guest, network(&[address])?, limits)?;
            listener.set_nonblocking(true).map_err(to_text)?;
            match listener.incoming().map_while(Result::ok).count() {
                1..=MAX => Ok(seen),
                count => Err(format!("{count} connections, not 1 to {MAX}: {seen:?}")),
            }
        },
    )
}

/// The process may have 256 open files. One plugin opens as many as it can, and another
/// must be able to open one for each record.
#[cfg(unix)]
fn few_descriptors() -> Case {
    Case::in_scene("2,000 files opened by a process limited to 256", |scene| {
        // Continues if no more files can be opened.
        let open = times(
            2000,
            "(call $open-at (local.get $a) (i32.const 1) (i32.const 300) (i32.const 1)
                (i32.const 0) (i32.const 1) (i32.const 128))",
        );
        let hog = with_files("f", &format!("(local.set $a (call $folder)) {open}"));
        let reader = with_files(
            "f",
            "(drop (call $open (call $folder) (i32.const 0) (i32.const 1)))",
        );
        scene.file("work/data/f", "text")?;
        scene.file("work/hog.wasm", hog.build())?;
        scene.file("work/reader.wasm", reader.build())?;
        scene.file("work/input", "attack\n".repeat(3))?;
        let output = crate::program::run(&mut scene.shell(
            "ulimit -n 256; exec \"$0\" run -p hog.wasm -p reader.wasm input --jobs 1 \
                 --allow-dir data::/data --descriptor-limit 100000 --output jsonl \
                 --output-file output.jsonl",
        ))?;
        output.expect(0, &[])?;
        let written = scene.read("work/output.jsonl")?;
        let written = String::from_utf8_lossy(&written);
        match written.matches("\"attack\"").count() {
            6 => Ok(()),
            results => Err(format!("{results} results, not 6: {written} {output:?}")),
        }
    })
}
