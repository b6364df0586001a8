//! Rows: what a plugin does to its input.

use std::io::{self, ErrorKind, Read};
use std::thread;
use std::time::Duration;

use super::stage::attack;
use crate::suite::Case;
use crate::suite::Outcome::{Answer, Input, Limit, Trap};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = ends();
    cases.extend(returned());
    cases.extend(lengths());
    cases.extend(faults());
    cases
}

fn ends() -> Vec<Case> {
    vec![
        attack("(call $begin) (call $end) (i32.const 0)").case(
            "stream: the input is never read",
            Answer,
            "",
        ),
        attack("(call $begin) (call $drop-readable (local.get $input)) (call $end) (i32.const 0)")
            .case("stream: the input is dropped at once", Answer, ""),
        attack(
            "(call $drop-readable (local.get $input)) (call $drop-readable (local.get $input))
             unreachable",
        )
        .case(
            "stream: the input is dropped twice",
            Trap,
            "unknown handle index",
        ),
        attack(
            "(call $begin) (call $drop-readable (local.get $input))
             (drop (call $read-some (local.get $input) (i32.const 256) (i32.const 8)))
             unreachable",
        )
        .case(
            "stream: the input is read after it is dropped",
            Trap,
            "unknown handle index",
        ),
        attack(
            "(call $begin)
             (loop $l (br_if $l (i32.eqz (i32.and (i32.const 1)
                (call $read-some (local.get $input) (i32.const 256) (i32.const 64))))))
             (drop (call $read-some (local.get $input) (i32.const 256) (i32.const 64)))
             unreachable",
        )
        .case("stream: the input is read after its end", Trap, "dropped"),
    ]
}

/// Returns the input as the output.
const RETURN: &str = "
    (local $future i64)
    (local.set $future (call $future-new))
    (global.set $outcome (call $writable (local.get $future)))
    (call $task-return (local.get $input) (call $readable (local.get $future)))";

fn returned() -> Vec<Case> {
    let returned = |body: &str| attack(&format!("{RETURN} {body}"));
    vec![
        returned("(call $report) (i32.const 0)")
            .writes("attack")
            .case("stream: the input is returned as the output", Answer, ""),
        returned("(call $report) (i32.const 0)")
            .input(|| Box::new(io::repeat(b'x')))
            .limits(|limits| limits.with_total_time(Duration::from_millis(200)))
            .writes("xx…")
            .case(
                "stream: an endless input is returned as the output",
                Limit,
                "total time of 200ms",
            ),
        returned("(call $report) (i32.const 0)")
            .input(|| Box::new(io::repeat(b'x')))
            .limits(|limits| limits.with_stream_output(1 << 20))
            .writes("xx…")
            .case(
                "stream: a long input is returned as the output",
                Limit,
                "1 MiB of output",
            ),
        returned("(i32.const 0)")
            .writes("attack")
            .endless("stream: the input is returned, and no outcome is reported"),
        returned("(call $drop-readable (local.get $input)) unreachable").case(
            "stream: the input is returned and dropped",
            Trap,
            "unknown handle index",
        ),
    ]
}

fn lengths() -> Vec<Case> {
    let read = |at: i64, length: i64| {
        format!(
            "(call $begin)
             (drop (call $read-some (local.get $input) (i32.const {at}) (i32.const {length})))
             unreachable"
        )
    };
    vec![
        attack(&read(0, -1)).case("stream: a read of 4 GiB", Trap, "count too large"),
        attack(&read(65_536, (1 << 28) - 1)).case(
            "stream: a read of 256 MiB into 64 KiB",
            Trap,
            "out of bounds",
        ),
        attack(&read(131_071, 2)).case(
            "stream: a read across the end of memory",
            Trap,
            "out of bounds",
        ),
        attack(&read(-1, 1)).case(
            "stream: a read into the last byte of 4 GiB",
            Trap,
            "out of bounds",
        ),
        attack(
            "(call $begin)
             (drop (call $read-some (local.get $input) (i32.const -1) (i32.const 0)))
             (call $end) (i32.const 0)",
        )
        .case("stream: a read of no bytes beyond memory", Answer, ""),
        attack(
            "(call $begin)
             (loop $l
                (drop (call $read-some (local.get $input) (i32.const 256) (i32.const 0)))
                (br $l))
             unreachable",
        )
        .endless("stream: endless reads of no bytes"),
        attack(
            "(local $at i32)
             (call $begin)
             (local.set $at (i32.const 65536))
             (loop $l
                (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
                (drop (call $read-some (local.get $input) (local.get $at) (i32.const 65536)))
                (local.set $at (i32.add (local.get $at) (i32.const 65536)))
                (br $l))
             unreachable",
        )
        .input(|| Box::new(io::repeat(b'x')))
        .case(
            "stream: an endless input is kept in memory",
            Limit,
            "memory of 64 MiB",
        ),
    ]
}

/// Copies the input to the output.
pub(super) const COPY: &str = "
    (local $code i32) (local $length i32)
    (call $begin)
    (loop $next
        (local.set $code
            (call $read-some (local.get $input) (i32.const 65536) (i32.const 65536)))
        (local.set $length (i32.shr_u (local.get $code) (i32.const 4)))
        (if (local.get $length) (then
            (drop (call $write-some (global.get $output) (i32.const 65536)
                (local.get $length)))))
        (br_if $next (i32.eqz (i32.and (local.get $code) (i32.const 15)))))
    (call $drop-readable (local.get $input))
    (call $end)
    (i32.const 0)";

fn faults() -> Vec<Case> {
    vec![
        attack(COPY)
            .writes("attack")
            .case("stream: copied", Answer, ""),
        attack(COPY)
            .input(|| Box::new((&b"half"[..]).chain(Broken)))
            .writes("half")
            .case(
                "stream: the host's reader fails half-way",
                Input,
                "connection reset",
            ),
        attack(COPY).input(|| Box::new(&b"half\xff"[..])).case(
            "stream: an input that is not UTF-8",
            Input,
            "from byte 4 on",
        ),
        attack(COPY)
            .input(|| Box::new(Slow))
            .limits(|limits| {
                let time = Duration::from_millis(400);
                limits
                    .with_time(Duration::from_millis(100))
                    .with_total_time(time)
            })
            .writes("xx…")
            .case(
                "stream: one byte at a time for ever",
                Limit,
                "total time of 400ms",
            ),
    ]
}

/// A reader of a connection that has ended.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::ConnectionReset.into())
    }
}

/// A reader that gives a byte each time, and takes less than the time limit for it.
struct Slow;

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        thread::sleep(Duration::from_millis(30));
        buffer[0] = b'x';
        Ok(1)
    }
}
