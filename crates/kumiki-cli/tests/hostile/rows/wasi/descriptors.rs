//! Those that open, list and write more than they may.

use std::fs::File;
use std::net::TcpListener;
use std::time::Duration;

use kumiki::Grants;

use crate::guests::attacker;
use crate::suite::Case;
use crate::suite::Outcome::{Answer, Limit, Trap};
use crate::suite::granted::{
    LONG, attempt, case, folder, folder_with, limits, method, stream_method, with_files,
};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = opened();
    cases.extend(listed());
    cases.extend(written());
    cases.extend(sockets());
    cases.push(connections());
    #[cfg(unix)]
    cases.push(program::few_descriptors());
    cases
}

/// Does something so many times.
fn times(count: u32, body: &str) -> String {
    format!(
        "(local.set $b (i32.const {count}))
         (loop $again {body} (call $reset)
            (br_if $again (local.tee $b (i32.sub (local.get $b) (i32.const 1)))))"
    )
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
        case(
            "2,000 files opened",
            (Limit, "256 open files"),
            with_files("f", &body),
            limits(LONG),
            || folder_with("f", b"text"),
        ),
        case(
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
        case(
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

/// How many files the large folder has.
const MANY: usize = 100_000;

fn large_folder() -> Result<(tempfile::TempDir, Grants), String> {
    let (folder, grants) = folder()?;
    for number in 0..MANY {
        let path = folder.path().join(format!("a-file-with-a-name-{number}"));
        File::create(path).map_err(|error| error.to_string())?;
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
        case(
            "a folder of 100,000 files listed 10,000 times",
            (Limit, "256 open files"),
            method(with_files("f", &body), name, "$list"),
            limits(LONG),
            large_folder,
        )
        .within(48)
        .patience(60),
        case(
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
        .patience(60),
    ]
}

fn written() -> Vec<Case> {
    // A mebibyte at once, wherever `$a` writes to.
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
        case(
            "a file written beyond check-write",
            (Trap, "`check-write` permits 65536"),
            stream_method(file, name, "$write"),
            limits(LONG),
            folder,
        ),
        case(
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
    let loopback = || -> Result<((), Grants), String> {
        let grant = "loopback:*".parse();
        let grant = grant.map_err(|error: kumiki::GrantError| error.to_string())?;
        Ok(((), Grants::default().with_network(grant)))
    };
    let row = |name, kind: &str| {
        let body = times(2000, "(call $socket (i32.const 0) (i32.const 128))");
        let guest = attacker(&body).wasi(
            &format!("wasi:sockets/{kind}-create-socket"),
            &format!("create-{kind}-socket"),
            "$socket",
        );
        case(
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

/// Requests to a server that takes connections and answers none: no more are
/// open than the plugin may have descriptors.
fn connections() -> Case {
    const MOST: usize = 8;
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
        "50 requests to a server that answers none",
        Limit,
        "time of 1s",
        move || {
            let text = |error: std::io::Error| error.to_string();
            let listener = TcpListener::bind("127.0.0.1:0").map_err(text)?;
            let address = listener.local_addr().map_err(text)?.to_string();
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
            let grant = address.parse();
            let grant = grant.map_err(|error: kumiki::GrantError| error.to_string())?;
            let limits = limits(Duration::from_secs(1)).with_descriptors(MOST);
            let grants = Grants::default().with_network(grant);
            let seen = attempt(&guest, grants, limits)?;
            listener.set_nonblocking(true).map_err(text)?;
            match listener.incoming().map_while(Result::ok).count() {
                1..=MOST => Ok(seen),
                count => Err(format!("{count} connections, not 1 to {MOST}: {seen:?}")),
            }
        },
    )
}

/// Where the whole process may have few files open.
#[cfg(unix)]
mod program {
    use std::process::Command;

    use super::{Case, times, with_files};
    use crate::suite::{Outcome, Seen};

    /// A hog that opens what it can, and a neighbour that opens one file a record.
    pub(super) fn few_descriptors() -> Case {
        Case::new(
            "2,000 files opened where the process may have 256",
            Outcome::Answer,
            "",
            || {
                let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
                run(folder.path())
            },
        )
    }

    fn run(folder: &std::path::Path) -> Result<Seen, String> {
        let io = |error: std::io::Error| error.to_string();
        let data = folder.join("data");
        std::fs::create_dir(&data).map_err(io)?;
        std::fs::write(data.join("f"), "text").map_err(io)?;
        // It goes on when it gets no more.
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
        std::fs::write(folder.join("hog.wasm"), hog.build()).map_err(io)?;
        std::fs::write(folder.join("reader.wasm"), reader.build()).map_err(io)?;
        std::fs::write(folder.join("input"), "attack\n".repeat(3)).map_err(io)?;
        let output = Command::new("sh")
            .arg("-c")
            .arg(
                "ulimit -n 256; exec \"$0\" run -p hog.wasm -p reader.wasm input --jobs 1 \
                 --allow-dir data::/data --descriptor-limit 100000 --output jsonl \
                 --output-file output.jsonl",
            )
            .arg(env!("CARGO_BIN_EXE_kumiki"))
            .current_dir(folder)
            .env("KUMIKI_CACHE", "off")
            .output()
            .map_err(io)?;
        let heard = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("it ended with {}: {heard}", output.status));
        }
        let written = std::fs::read_to_string(folder.join("output.jsonl")).map_err(io)?;
        let answers = written.matches("\"attack\"").count();
        match answers {
            6 => Ok(Seen::answer()),
            _ => Err(format!("{answers} answers, not 6: {written} {heard}")),
        }
    }
}
