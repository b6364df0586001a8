//! Rows: operations that are cancelled, also on the wrong end.

use std::io::{self, ErrorKind, Read, Write};

use super::stage::{Attack, attack};
use crate::suite::Case;
use crate::suite::Outcome::{Answer, Trap};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = own_streams();
    cases.extend(own_futures());
    cases.extend(of_the_host());
    cases.extend(to_the_host());
    cases.extend(subtasks());
    cases.extend(abandoned());
    cases
}

/// An attack of a plugin with both ends of a stream in `$r` and `$w`.
fn stream(body: &str) -> Attack {
    pair("stream-new", body)
}

/// An attack of a plugin with both ends of a future in `$r` and `$w`.
fn future(body: &str) -> Attack {
    pair("future-new", body)
}

fn pair(new: &str, body: &str) -> Attack {
    attack(&format!(
        "(local $pair i64) (local $r i32) (local $w i32)
         (call $begin)
         (local.set $pair (call ${new}))
         (local.set $r (call $readable (local.get $pair)))
         (local.set $w (call $writable (local.get $pair)))
         {body}"
    ))
}

/// Starts a read or a write that nothing answers.
const READ: &str = "(drop (call $read (local.get $r) (i32.const 256) (i32.const 8)))";
const WRITE: &str = "(drop (call $write (local.get $w) (i32.const 256) (i32.const 4)))";
const READ_FUTURE: &str = "(drop (call $future-read (local.get $r) (i32.const 256)))";
const WRITE_FUTURE: &str = "(drop (call $future-write (local.get $w) (i32.const 256)))";

/// Calls a function of one handle.
fn call(function: &str, end: &str) -> String {
    format!("(drop (call ${function} (local.get ${end})))")
}

/// An attack of a plugin that returns the end that it writes, as the one that it reads.
fn returned(then: &str) -> Attack {
    attack(&format!(
        "(local $pair i64) (local $r i32) (local $w i32)
         (local.set $pair (call $stream-new))
         (local.set $r (call $readable (local.get $pair)))
         (local.set $w (call $writable (local.get $pair)))
         {WRITE}
         (drop (call $cancel-read (local.get $w)))
         (call $task-return (local.get $w) (call $readable (call $future-new)))
         (call $wait-for-sync (i64.const 10000000))
         {then}"
    ))
    .with(|it| it.clock().with(|it| it.data(256, "some")))
    .writes("some")
}

/// Ends as a good plugin does.
const WELL: &str = "(call $end) (i32.const 0)";

fn own_streams() -> Vec<Case> {
    let wrong_read = call("cancel-write", "r");
    let wrong_write = call("cancel-read", "w");
    vec![
        stream(&format!("{READ} {} {WELL}", call("cancel-read", "r"))).case(
            "cancel: a read of its own stream",
            Answer,
            "",
        ),
        stream(&format!("{WRITE} {} {WELL}", call("cancel-write", "w"))).case(
            "cancel: a write to its own stream",
            Answer,
            "",
        ),
        stream(&(call("cancel-read", "r") + "unreachable")).case(
            "cancel: a read that was not started",
            Trap,
            "no read is pending",
        ),
        stream(&(call("cancel-write", "w") + "unreachable")).case(
            "cancel: a write that was not started",
            Trap,
            "no write is pending",
        ),
        stream(&format!("{READ} {wrong_read} unreachable")).case(
            "cancel: a read by the function for writes",
            Trap,
            "unreachable",
        ),
        stream(&format!("{WRITE} {wrong_write} unreachable")).case(
            "cancel: a write by the function for reads",
            Trap,
            "unreachable",
        ),
        stream(&format!(
            "{READ} {wrong_read} (drop (call $write (local.get $r) (i32.const 256) (i32.const 8)))
             {WRITE} unreachable"
        ))
        .case("cancel: a read, which becomes a write", Trap, ""),
        stream(&format!(
            "{READ} {wrong_read} (call $drop-writable (local.get $r))
             (call $drop-writable (local.get $w)) unreachable"
        ))
        .case(
            "cancel: a read, whose end is dropped as the other",
            Trap,
            "",
        ),
        stream(&format!(
            "{WRITE} {wrong_write} (call $drop-readable (local.get $w))
             (call $drop-readable (local.get $r)) unreachable"
        ))
        .case(
            "cancel: a write, whose end is dropped as the other",
            Trap,
            "",
        ),
        returned("(i32.const 0)").endless("cancel: a write, whose end is returned as the other"),
        returned(
            "(call $drop-readable (local.get $r))
             (drop (call $wait (call $set-new) (i32.const 240))) unreachable",
        )
        .endless("cancel: a write, whose end is returned, and then the other is dropped"),
        stream("(drop (call $cancel-read (i32.const 12345))) unreachable").case(
            "cancel: a read of a handle that does not exist",
            Trap,
            "unknown handle index",
        ),
        stream("(drop (call $cancel-read (call $set-new))) unreachable").case(
            "cancel: a read of a waitable set",
            Trap,
            "",
        ),
    ]
}

fn own_futures() -> Vec<Case> {
    vec![
        future(&format!(
            "{READ_FUTURE} {} {WELL}",
            call("future-cancel-read", "r")
        ))
        .case("cancel: a read of its own future", Answer, ""),
        future(&format!(
            "{READ_FUTURE} {} unreachable",
            call("future-cancel-write", "r")
        ))
        .case(
            "cancel: a read of a future by the function for writes",
            Trap,
            "unreachable",
        ),
        future(&format!(
            "{WRITE_FUTURE} {} unreachable",
            call("future-cancel-read", "w")
        ))
        .case(
            "cancel: a write of a future by the function for reads",
            Trap,
            "unreachable",
        ),
        future(&format!(
            "{READ_FUTURE} {} unreachable",
            call("cancel-read", "r")
        ))
        .case(
            "cancel: a read of a future by the function for streams",
            Trap,
            "",
        ),
    ]
}

/// A reader that has nothing to read yet.
struct Pending;

impl Read for Pending {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }
}

fn of_the_host() -> Vec<Case> {
    let read = "(drop (call $read (local.get $input) (i32.const 256) (i32.const 8)))";
    let pending = |body: &str| {
        attack(&format!("(call $begin) {read} {body}"))
            .input(|| Box::new(Pending))
            .with(|it| it.clock())
            .in_a_task()
    };
    vec![
        pending(&format!("{} {WELL}", call("cancel-read", "input"))).case(
            "cancel: a read of the host's stream",
            Answer,
            "",
        ),
        pending(&format!(
            "{} {LATER} unreachable",
            call("cancel-write", "input")
        ))
        .case(
            "cancel: a read of the host's stream by the function for writes",
            Trap,
            "",
        ),
        pending(&format!(
            "{} (call $drop-writable (local.get $input)) {LATER} unreachable",
            call("cancel-write", "input")
        ))
        .case(
            "cancel: a read of the host's stream, whose end is dropped as the other",
            Trap,
            "",
        ),
        pending("(call $drop-readable (local.get $input)) unreachable").case(
            "cancel: the host's stream is dropped while it is read",
            Trap,
            "",
        ),
        pending(&format!("{read} unreachable")).case(
            "cancel: the host's stream is read twice at the same time",
            Trap,
            "concurrent",
        ),
        attack(&format!(
            "{read} (call $task-return (local.get $input) (call $readable (call $future-new)))
             unreachable"
        ))
        .input(|| Box::new(Pending))
        .in_a_task()
        .case(
            "cancel: the host's stream is returned while it is read",
            Trap,
            "busy",
        ),
    ]
}

/// A writer that takes nothing yet.
impl Write for Pending {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lets the host go on meanwhile.
const LATER: &str = "(call $wait-for-sync (i64.const 20000000))";

fn to_the_host() -> Vec<Case> {
    let pending = |body: &str| {
        let body = format!(
            "(local $output i32)
             (call $begin) (local.set $output (global.get $output)) {LATER}
             (drop (call $write (local.get $output) (i32.const 256) (i32.const 8)))
             {LATER} {body} {LATER} unreachable"
        );
        attack(&body)
            .with(|it| it.clock())
            .output(|| Box::new(Pending))
            .in_a_task()
    };
    let wrong = call("cancel-read", "output");
    vec![
        pending(&call("cancel-write", "output")).case(
            "cancel: a write to the host's stream",
            Trap,
            "unreachable",
        ),
        pending(&wrong).case(
            "cancel: a write to the host's stream by the function for reads",
            Trap,
            "",
        ),
        pending(&format!(
            "{wrong} (call $drop-readable (local.get $output))"
        ))
        .case(
            "cancel: a write to the host's stream, whose end is dropped as the other",
            Trap,
            "",
        ),
        pending("(call $drop-writable (local.get $output))").case(
            "cancel: the output is dropped while it is written",
            Trap,
            "",
        ),
    ]
}

fn subtasks() -> Vec<Case> {
    let clock = |body: &str| {
        attack(&format!("(local $task i32) (call $begin) {body}")).with(|it| it.clock())
    };
    // The handle of the subtask is above its state.
    let wait = "(local.set $task (i32.shr_u
        (call $wait-for (i64.const 3600000000000)) (i32.const 4)))";
    vec![
        clock(&format!(
            "{wait} {} (call $subtask-drop (local.get $task)) {WELL}",
            call("subtask-cancel", "task")
        ))
        .case("cancel: a subtask", Answer, ""),
        clock(&format!(
            "{wait} {0} {0} unreachable",
            call("subtask-cancel", "task")
        ))
        .case("cancel: a subtask, twice", Trap, ""),
        clock(&format!(
            "{wait} (call $subtask-drop (local.get $task)) unreachable"
        ))
        .case("cancel: a subtask that waits is dropped", Trap, ""),
        clock(&(call("subtask-cancel", "input") + "unreachable")).case(
            "cancel: a stream as a subtask",
            Trap,
            "",
        ),
        clock(&format!(
            "{wait} {} unreachable",
            call("cancel-read", "task")
        ))
        .case("cancel: a subtask as a read", Trap, ""),
        attack("(call $task-cancel) unreachable").case(
            "cancel: its own task, without a request to cancel",
            Trap,
            "",
        ),
    ]
}

/// The host drops the future of the call.
fn abandoned() -> Vec<Case> {
    let body = |body: &str| {
        attack(&format!("(call $begin) {body} unreachable"))
            .input(|| Box::new(Pending))
            .with(|it| it.clock())
    };
    vec![
        body("(drop (call $read-some (local.get $input) (i32.const 256) (i32.const 8)))")
            .abandoned("abandoned: a plugin that reads"),
        body("(drop (call $wait (call $set-new) (i32.const 240)))")
            .abandoned("abandoned: a plugin that waits on an empty set"),
        body("(call $wait-for-sync (i64.const 3600000000000))")
            .abandoned("abandoned: a plugin that waits for an hour"),
        body(
            "(drop (call $wait-for (i64.const 3600000000000)))
             (loop $l (drop (call $yield)) (br $l))",
        )
        .abandoned("abandoned: a plugin that yields"),
    ]
}
