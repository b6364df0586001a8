//! Rows: tasks that return wrongly, or wait for what never happens.

use std::io;

use kumiki::{Grants, Limits};
use test_components::AsyncPlugin;

use super::stage::{Attack, attack, in_a_task};
use crate::guests::FOREVER;
use crate::suite::Outcome::{Answer, Limit, Trap};
use crate::suite::attack::load;
use crate::suite::{Case, SHORT, Seen, to_text};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = returns();
    cases.extend(callbacks());
    cases.extend(waits());
    cases.extend(starts());
    cases.extend(recursion());
    cases.push(Case::check(
        "task: a wait is left behind in another runtime",
        left_behind,
    ));
    cases.push(Case::new(
        "task: a record computes for ever after a whole text",
        Limit,
        "time of 200ms for a call",
        record_after_text,
    ));
    cases
}

fn returns() -> Vec<Case> {
    vec![
        attack("(call $begin) (call $begin) unreachable").case(
            "task: it returns twice",
            Trap,
            "task.return",
        ),
        attack("(i32.const 0)").case(
            "task: it exits without a result",
            Trap,
            "failed to produce a result",
        ),
        attack("(call $task-return (i32.const 12345) (i32.const 12345)) unreachable").case(
            "task: it returns handles that do not exist",
            Trap,
            "unknown handle index",
        ),
        attack("(call $task-return (local.get $input) (local.get $input)) unreachable").case(
            "task: it returns a stream as a future",
            Trap,
            "",
        ),
        attack(
            "(call $task-return (call $writable (call $stream-new))
                (call $readable (call $future-new))) unreachable",
        )
        .case("task: it returns the writable end", Trap, ""),
        attack(
            "(call $task-return (call $readable (call $other-new))
                (call $readable (call $future-new))) unreachable",
        )
        .with(|it| it.other())
        .case("task: it returns a stream of another type", Trap, ""),
        attack(
            "(call $task-return (call $readable (call $strings-new))
                (call $readable (call $future-new))) unreachable",
        )
        .with(|it| it.other())
        .case("task: it returns a stream of strings", Trap, ""),
        attack(
            "(drop (call $read (call $readable (call $other-new))
                (i32.const 256) (i32.const 8))) unreachable",
        )
        .with(|it| it.other())
        .case("task: it reads a stream of another type as bytes", Trap, ""),
        attack(&format!("(call $begin) (call $end) {FOREVER} unreachable"))
            .endless("task: it computes for ever after its end"),
        attack("(call $begin) (call $end) unreachable").case(
            "task: it traps after its end",
            Trap,
            "unreachable",
        ),
    ]
}

fn callbacks() -> Vec<Case> {
    let returns = |code: &str| attack(&format!("(call $begin) {code}"));
    vec![
        returns("(i32.const 3)").case("task: callback code 3", Trap, "callback"),
        returns("(i32.const -1)").case("task: callback code -1", Trap, "callback"),
        returns("(i32.const 2)").case("task: it waits on set 0", Trap, "unknown handle index"),
        returns("(i32.const 0x123452)").case(
            "task: it waits on a set that does not exist",
            Trap,
            "unknown handle index",
        ),
        returns("(i32.or (i32.const 2) (i32.shl (local.get $input) (i32.const 4)))").case(
            "task: it waits on a stream as a set",
            Trap,
            "",
        ),
        returns("(i32.or (i32.const 2) (i32.shl (call $set-new) (i32.const 4)))")
            .endless("task: its callback waits on an empty set"),
        returns("(i32.const 1)")
            .with(|it| it.callback("(i32.const 1)"))
            .endless("task: its callback yields for ever"),
        returns("(i32.const 1)")
            .with(|it| it.callback("(call $end) (i32.const 0)"))
            .case("task: its callback ends it", Answer, ""),
        returns("(i32.const 1)")
            .with(|it| it.callback("unreachable"))
            .case("task: its callback traps", Trap, "unreachable"),
        returns("(i32.const 1)")
            .with(|it| it.callback(&format!("{FOREVER} unreachable")))
            .endless("task: its callback computes for ever"),
        returns("(i32.const 1)")
            .with(|it| it.callback("(call $begin) (i32.const 0)"))
            .case("task: its callback returns again", Trap, "task.return"),
    ]
}

/// An attack of a plugin with a stream whose both ends it has.
fn own(body: &str) -> Attack {
    attack(&format!(
        "(local $pair i64) (local $set i32) (local $task i32)
         (call $begin) (local.set $pair (call $stream-new)) (local.set $set (call $set-new))
         {body}"
    ))
}

fn waits() -> Vec<Case> {
    let join = |end: &str| format!("(call $join (call ${end} (local.get $pair)) (local.get $set))");
    let wait = "(drop (call $wait (local.get $set) (i32.const 256)))";
    vec![
        own(&format!("{wait} unreachable")).endless("task: it waits on an empty set"),
        attack("(drop (call $wait (call $set-new) (i32.const 240))) unreachable")
            .endless("task: it waits before it returns"),
        attack(&format!("{FOREVER} unreachable")).endless("task: it computes before it returns"),
        own(&format!("{} {wait} unreachable", join("readable")))
            .endless("task: it waits for a stream that nobody reads"),
        own("(drop (call $read-some (call $readable (local.get $pair))
                (i32.const 256) (i32.const 8))) unreachable")
        .endless("task: it reads what only it can write"),
        own("(drop (call $write-some (call $writable (local.get $pair))
                (i32.const 256) (i32.const 8))) unreachable")
        .endless("task: it writes what only it can read"),
        own("(loop $l (drop (call $poll (local.get $set) (i32.const 256))) (br $l)) unreachable")
            .endless("task: it polls an empty set for ever"),
        own("(loop $l (drop (call $yield)) (br $l)) unreachable")
            .endless("task: it yields for ever"),
        own("(drop (call $wait (i32.const 12345) (i32.const 256))) unreachable").case(
            "task: it waits on a set that does not exist, blocking",
            Trap,
            "unknown handle index",
        ),
        own(
            "(local.set $task (i32.shr_u (call $wait-for (i64.const 1000000)) (i32.const 4)))
             (call $join (local.get $task) (local.get $set))
             (drop (call $wait (local.get $set) (i32.const 131068))) unreachable",
        )
        .with(|it| it.clock())
        .case(
            "task: it waits with the event beyond memory",
            Trap,
            "out of bounds",
        ),
        own("(drop (call $poll (local.get $set) (i32.const -8))) unreachable").case(
            "task: it polls with the event beyond memory",
            Trap,
            "out of bounds",
        ),
        own("(call $join (local.get $set) (local.get $set)) unreachable").case(
            "task: a set joins itself",
            Trap,
            "",
        ),
        own("(call $join (i32.const 0) (local.get $set)) unreachable").case(
            "task: handle 0 joins a set",
            Trap,
            "unknown handle index",
        ),
        own(&format!(
            "{} (call $set-drop (local.get $set)) unreachable",
            join("readable")
        ))
        .case("task: a set is dropped with a stream in it", Trap, ""),
        own("(loop $l (call $backpressure-dec) (br $l)) unreachable").case(
            "task: less back-pressure than none",
            Trap,
            "backpressure",
        ),
    ]
}

/// A plugin that leaves a timer behind, which belongs to the runtime of its call.
fn left_behind() -> Result<(), String> {
    let plugin = AsyncPlugin::streaming(
        "(drop (call $wait-for (i64.const 50000000)))
         (call $begin) (call $end) (i32.const 0)",
    );
    let limits = Limits::default().with_time(SHORT * 5);
    let plugin = load(
        "hostile.wasm",
        &plugin.clock().build(),
        limits,
        Grants::default(),
    );
    let mut plugin = plugin.map_err(to_text)?;
    for _ in 0..3 {
        // Each has a runtime of its own, which ends with it.
        in_a_task(plugin.transform_async(tokio::io::empty(), tokio::io::sink()))
            .map_err(to_text)?;
    }
    std::thread::sleep(SHORT / 2);
    plugin.transform(io::empty(), io::sink()).map_err(to_text)?;
    plugin.process("well").map(drop).map_err(to_text)
}

/// The total time is that of a whole text, and not of a later record.
fn record_after_text() -> Result<Seen, String> {
    let plugin = AsyncPlugin::streaming("(call $begin) (call $end) (i32.const 0)");
    let plugin = plugin.with(|it| it.process(&format!("{FOREVER} unreachable")));
    let limits = Limits::default()
        .with_time(SHORT)
        .with_total_time(SHORT / 2);
    let plugin = load("hostile.wasm", &plugin.build(), limits, Grants::default());
    let mut plugin = plugin.map_err(to_text)?;
    plugin.transform(io::empty(), io::sink()).map_err(to_text)?;
    match plugin.process("attack") {
        Ok(_) => Err("it ended".to_owned()),
        Err(error) => Ok(error.into()),
    }
}

/// Tasks have stacks of their own.
fn recursion() -> Vec<Case> {
    let dive = "(func $dive (param i32) (call $dive (i32.add (local.get 0) (i32.const 1))))";
    let dives = |body: &str, callback: &str| {
        attack(body).with(|it| it.callback(callback).with(|it| it.items(dive)))
    };
    let exhausted = "call stack exhausted";
    vec![
        dives("(call $dive (i32.const 0)) unreachable", "unreachable").case(
            "task: recursion without end",
            Trap,
            exhausted,
        ),
        dives(
            "(call $begin) (i32.const 1)",
            "(call $dive (i32.const 0)) unreachable",
        )
        .case(
            "task: recursion without end in its callback",
            Trap,
            exhausted,
        ),
    ]
}

/// A start function runs before the plugin's table has its functions: those that need
/// memory are not there yet.
fn starts() -> Vec<Case> {
    let start = |body: &str| {
        let start = format!("(func $begins {body}) (start $begins)");
        attack("(call $begin) (call $end) (i32.const 0)")
            .with(|it| it.clock().with(|it| it.items(&start)))
    };
    vec![
        start("(drop (call $yield))").case("task: the start function yields", Answer, ""),
        start("(loop $l (drop (call $yield)) (br $l))")
            .endless("task: the start function yields for ever"),
        start("(drop (call $wait (call $set-new) (i32.const 240)))").case(
            "task: the start function waits on an empty set",
            Trap,
            "uninitialized element",
        ),
        start("(call $wait-for-sync (i64.const 1))").case(
            "task: the start function waits for a clock",
            Trap,
            "cannot block",
        ),
        start("(call $task-return (i32.const 0) (i32.const 0))").case(
            "task: the start function returns",
            Trap,
            "",
        ),
        start("(call $backpressure-inc)").endless("task: the start function holds back all calls"),
    ]
}
