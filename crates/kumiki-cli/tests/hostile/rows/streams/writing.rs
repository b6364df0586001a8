//! Rows: what a plugin does to its output and its outcome.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use super::stage::{Attack, attack};
use crate::guests::FOREVER;
use crate::suite::Case;
use crate::suite::Outcome::{Answer, InvalidText, Limit, Output, Trap};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = ends();
    cases.extend(endless());
    cases.extend(lengths());
    cases.extend(texts());
    cases
}

/// Writes bytes of the memory.
fn write(at: i64, length: i64) -> String {
    format!("(drop (call $write-some (global.get $output) (i32.const {at}) (i32.const {length})))")
}

/// An attack of a plugin that has the text `some` at 256, and begins with `$begin`.
fn some(body: &str) -> Attack {
    attack(&format!("(call $begin) {body}")).with(|it| it.with(|it| it.data(256, "some")))
}

fn ends() -> Vec<Case> {
    let some_output = write(256, 4);
    vec![
        some("(call $wait-for-ever) (i32.const 0)")
            .with(|it| {
                it.with(|it| {
                    it.items(
                        "(func $wait-for-ever (drop (call $wait (call $set-new) (i32.const 240))))",
                    )
                })
            })
            .endless("stream: nothing is written, and the plugin waits"),
        some(&format!("{FOREVER} unreachable"))
            .endless("stream: nothing is written, and the plugin computes"),
        some(&format!("{some_output} unreachable"))
            .writes("some")
            .case("stream: a trap after some output", Trap, "unreachable"),
        some(&format!("{some_output} {FOREVER} unreachable"))
            .writes("some")
            .endless("stream: an endless loop after some output"),
        some(&format!("{some_output} (i32.const 0)"))
            .writes("some")
            .endless("stream: an exit without an end"),
        some(&format!(
            "{some_output} (call $drop-writable (global.get $output)) (i32.const 0)"
        ))
        .writes("some")
        .endless("stream: an exit without an outcome"),
        some(
            "(call $drop-writable (global.get $output))
             (call $future-drop-writable (global.get $outcome)) unreachable",
        )
        .case("stream: the outcome is dropped", Trap, "future"),
        some(
            "(call $report) (call $drop-writable (global.get $output))
             (call $report) unreachable",
        )
        .case(
            "stream: the outcome is reported twice",
            Trap,
            "unknown handle index",
        ),
        some(&format!(
            "(call $report) {some_output}
            (call $drop-writable (global.get $output)) (i32.const 0)"
        ))
        .writes("some")
        .case(
            "stream: the outcome is reported before the output",
            Answer,
            "",
        ),
        some(
            "(i32.store8 (i32.const 248) (i32.const 7))
             (call $drop-writable (global.get $output))
             (drop (call $settle (global.get $outcome)
                (call $future-write (global.get $outcome) (i32.const 248))))
             unreachable",
        )
        .case(
            "stream: the outcome has a case that does not exist",
            Trap,
            "discriminant",
        ),
        attack(
            "(local $stream i64) (local $future i64)
             (local.set $stream (call $stream-new))
             (local.set $future (call $future-new))
             (call $drop-readable (call $readable (local.get $stream)))
             (call $future-drop-readable (call $readable (local.get $future)))
             (call $task-return
                (call $readable (local.get $stream)) (call $readable (local.get $future)))
             unreachable",
        )
        .case(
            "stream: both ends are dropped before they are returned",
            Trap,
            "unknown handle index",
        ),
    ]
}

fn endless() -> Vec<Case> {
    let endless = || {
        let chunk = write(65_536, 65_536);
        attack(&format!(
            "(call $begin) (memory.fill (i32.const 65536) (i32.const 120) (i32.const 65536))
             (loop $l {chunk} (br $l)) unreachable"
        ))
    };
    let until_dropped = "
        (call $begin) (memory.fill (i32.const 65536) (i32.const 120) (i32.const 65536))
        (loop $l (br_if $l (i32.ne (i32.const 1) (i32.and (i32.const 15)
            (call $write-some (global.get $output) (i32.const 65536) (i32.const 65536))))))
        (call $end) (i32.const 0)";
    vec![
        endless()
            .limits(|limits| limits.with_stream_output(1 << 20))
            .writes("xx…")
            .case("stream: written for ever", Limit, "1 MiB of output"),
        endless()
            .limits(|limits| limits.with_stream_growth(9))
            .writes("xx…")
            .case(
                "stream: written for ever from a short input",
                Limit,
                "9 bytes of output for each byte",
            ),
        endless()
            .limits(|limits| limits.with_total_time(Duration::from_millis(200)))
            .writes("xx…")
            .case(
                "stream: written for ever with progress",
                Limit,
                "total time of 200ms",
            ),
        some(&format!("{FOREVER} unreachable"))
            .limits(|limits| limits.with_total_time(Duration::from_millis(200)))
            .case(
                "stream: nothing is written in the total time",
                Limit,
                "total time of 200ms",
            ),
        attack(until_dropped)
            .output(|| Box::new(Room(1 << 20, ErrorKind::BrokenPipe)))
            .writes("xx…")
            .case(
                "stream: written until the reader stops",
                Output,
                "broken pipe",
            ),
        endless()
            .output(|| Box::new(Room(1 << 20, ErrorKind::BrokenPipe)))
            .writes("xx…")
            .case(
                "stream: written on after the reader stopped",
                Output,
                "broken pipe",
            ),
        endless()
            .output(|| Box::new(Room(1 << 20, ErrorKind::StorageFull)))
            .writes("xx…")
            .case("stream: written to a full disk", Output, "no storage space"),
    ]
}

/// A writer with room for this many bytes, and the error after them.
struct Room(usize, ErrorKind);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(self.1)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lengths() -> Vec<Case> {
    let write_at = |at, length| some(&format!("{} unreachable", write(at, length)));
    vec![
        write_at(0, -1).case("stream: a write of 4 GiB", Trap, "count too large"),
        write_at(65_536, (1 << 28) - 1).case(
            "stream: a write of 256 MiB from 64 KiB",
            Trap,
            "out of bounds",
        ),
        write_at(131_071, 2).case(
            "stream: a write across the end of memory",
            Trap,
            "out of bounds",
        ),
        write_at(-1, 1).case(
            "stream: a write from the last byte of 4 GiB",
            Trap,
            "out of bounds",
        ),
        some(&format!("{} (call $end) (i32.const 0)", write(-1, 0))).case(
            "stream: a write of no bytes beyond memory",
            Answer,
            "",
        ),
        some(&format!("(loop $l {} (br $l)) unreachable", write(256, 0)))
            .endless("stream: endless writes of no bytes"),
        some(
            "(loop $l (drop (call $write (global.get $output) (i32.const 256) (i32.const 0)))
                (br $l)) unreachable",
        )
        .case(
            "stream: a second write before the first has ended",
            Trap,
            "concurrent operations",
        ),
        some(
            "(drop (call $future-write (global.get $outcome) (i32.const 131071)))
             unreachable",
        )
        .case(
            "stream: an outcome across the end of memory",
            Trap,
            "out of bounds",
        ),
    ]
}

fn texts() -> Vec<Case> {
    let text = |text: &'static str, body: String| {
        attack(&format!("(call $begin) {body} (call $end) (i32.const 0)"))
            .with(|it| it.with(|it| it.items(&format!("(data (i32.const 256) \"{text}\")"))))
    };
    vec![
        text("a\\ff", write(256, 2)).case(
            "stream: an output that is not UTF-8",
            InvalidText,
            "from byte 1 on",
        ),
        text("a\\e6\\9cb", write(256, 3) + &write(259, 1))
            .writes("a\u{fffd}")
            .case(
                "stream: an output that is not UTF-8 across chunks",
                InvalidText,
                "from byte 1 on",
            ),
        text(
            "a\\e6\\9c\\a8",
            write(256, 2) + &write(258, 1) + &write(259, 1),
        )
        .writes("a木")
        .case("stream: a character in three chunks", Answer, ""),
        text("a\\e6\\9c", write(256, 3)).writes("a\u{fffd}").case(
            "stream: an output that ends within a character",
            InvalidText,
            "from byte 1 on",
        ),
        text("\\ed\\a0\\80", write(256, 1) + &write(257, 2))
            .writes("\u{fffd}")
            .case(
                "stream: half of a surrogate pair",
                InvalidText,
                "from byte 0 on",
            ),
    ]
}
