//! Rows: guests that wait for files and sockets that do not answer.

use std::net::TcpListener;
use std::time::Duration;

#[cfg(unix)]
use kumiki::Grants;

use crate::guests::files::stream_method;
#[cfg(unix)]
use crate::guests::files::{method, with_files};
use crate::guests::{attacker, sockets};
use crate::suite::Outcome::Limit;
use crate::suite::granted::{attempt, limits, network};
#[cfg(unix)]
use crate::suite::granted::{folder, load};
use crate::suite::{Case, to_text};
#[cfg(unix)]
use crate::suite::{Outcome, SHORT, Seen};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![tcp_stream_dropped()];
    #[cfg(unix)]
    {
        cases.extend(pipes());
        cases.push(kernel_messages());
        cases.push(pipes_again_and_again());
    }
    cases
}

#[cfg(unix)]
const LATE: (Outcome, &str) = (Limit, "time of 200ms");

/// A folder with a pipe `f` that no process opens.
#[cfg(unix)]
fn pipe() -> Result<(tempfile::TempDir, Grants), String> {
    let (folder, grants) = folder()?;
    crate::program::make_pipe(&folder.path().join("f"))?;
    Ok((folder, grants))
}

#[cfg(unix)]
fn pipes() -> Vec<Case> {
    let open = |how: u32, flags: u32| {
        format!("(drop (call $open (call $folder) (i32.const {how}) (i32.const {flags})))")
    };
    let row =
        |name, body: &str| Case::granted(name, LATE, with_files("f", body), limits(SHORT), pipe);
    vec![
        row("a pipe opened to read", &open(0, 1)),
        row("a pipe opened to write", &open(0, 2)),
        row("a pipe opened with create and truncate", &open(1 | 8, 2)),
    ]
}

/// Opens a pipe in 40 calls, which are abandoned. The number of abandoned threads must
/// be bounded: after some calls the plugin gets `busy`.
#[cfg(unix)]
fn pipes_again_and_again() -> Case {
    use kumiki_text::CircuitBreaker;

    Case::check("a pipe opened by 40 calls in sequence", || {
        let (_folder, grants) = pipe()?;
        // Continues if the error is `busy` (4).
        let body = "(call $open-at (call $folder) (i32.const 1) (i32.const 300) (i32.const 1)
                (i32.const 0) (i32.const 1) (i32.const 128))
                (if (i32.ne (i32.load8_u (i32.const 132)) (i32.const 4)) (then unreachable))";
        let time = Duration::from_millis(50);
        let plugin = load(&with_files("f", body), grants, limits(time));
        let plugin = plugin.map_err(to_text)?;
        let mut plugin = plugin.with_circuit_breaker(CircuitBreaker::disabled());
        let (mut late, mut busy) = (0, 0);
        for _ in 0..40 {
            match plugin.process("attack").map_err(Seen::from) {
                Ok(_) => busy += 1,
                Err(seen) if seen.outcome == Limit => late += 1,
                Err(seen) => return Err(format!("{}: {}", seen.outcome, seen.message)),
            }
        }
        match (late, busy) {
            // A thread that started late does not count.
            (8..=20, 20..) => Ok(()),
            _ => Err(format!(
                "{late} calls were late and {busy} got `busy`, of 40"
            )),
        }
    })
}

/// Reads a device that blocks when it has no more data.
#[cfg(unix)]
fn kernel_messages() -> Case {
    let body = "(local.set $a (call $open (call $folder) (i32.const 0) (i32.const 1)))
        (loop $l (call $read (local.get $a) (i64.const 8192) (i64.const 0) (i32.const 128))
            (call $reset) (br $l))";
    let guest = method(with_files("kmsg", body), "[method]descriptor.read", "$read");
    let messages = "/dev/kmsg";
    Case::granted(
        "a device read that blocks",
        LATE,
        guest,
        limits(SHORT),
        || {
            let grants = kumiki::FolderGrant::read_only("/dev", "/data");
            Ok(((), Grants::default().with_folder(grants)))
        },
    )
    .unless(
        std::fs::File::open(messages)
            .err()
            .map(|_| "/dev/kmsg cannot be read here"),
    )
}

/// Drops a stream with unwritten data whose peer does not read.
fn tcp_stream_dropped() -> Case {
    let write = "
        (if (i32.load8_u (i32.const 128)) (then unreachable))
        (local.set $b (i32.load (i32.const 136)))
        (drop (memory.grow (i32.const 2)))
        (block $full (loop $more
            (call $check (local.get $b) (i32.const 128))
            (if (i32.load8_u (i32.const 128)) (then unreachable))
            (br_if $full (i64.eqz (i64.load (i32.const 136))))
            (call $write (local.get $b) (i32.const 4096)
                (i32.wrap_i64 (i64.load (i32.const 136))) (i32.const 128))
            (br $more)))
        (call $drop (local.get $b))";
    Case::new(
        "a TCP stream dropped that its peer does not read",
        Limit,
        "time of 1s",
        move || {
            let listener = TcpListener::bind("127.0.0.1:0").map_err(to_text)?;
            let port = listener.local_addr().map_err(to_text)?.port();
            let body = sockets::connect([127, 0, 0, 1], port) + write;
            let guest = sockets::tcp(sockets::network(attacker(&body)));
            let guest = stream_method(guest, "[method]output-stream.check-write", "$check");
            let guest = stream_method(guest, "[method]output-stream.write", "$write");
            let guest = stream_method(guest, "[resource-drop]output-stream", "$drop");
            let grants = network(&[format!("127.0.0.1:{port}")])?;
            let seen = attempt(&guest, grants, limits(Duration::from_secs(1)));
            drop(listener);
            seen
        },
    )
}
