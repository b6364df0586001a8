//! Rows: one of 16 calls at the same time in one instance attacks.

use kumiki::{Grants, Limits};
use kumiki_text::{CallMode, TextPlugin, Texts};
use test_components::AsyncPlugin;

use crate::guests::FOREVER;
use crate::suite::Outcome::{Limit, Trap};
use crate::suite::attack::load;
use crate::suite::{Case, Outcome, SHORT, Seen};

/// The calls at the same time.
const CALLS: usize = 16;
/// The record that attacks.
const ATTACKER: usize = 5;

/// Waits for some milliseconds and lets other calls begin. The callback knows the record
/// by the handle of the subtask. `attack` runs before it, if the record has six bytes.
fn wait(attack: &str) -> String {
    format!(
        "(local $task i32) (local $set i32)
    (if (i32.eq (local.get $length) (i32.const 6)) (then {attack}))
    (local.set $task (i32.shr_u (call $wait-for (i64.const 10000000)) (i32.const 4)))
    (local.set $set (call $set-new))
    (call $join (local.get $task) (local.get $set))
    (i32.store (call $record (local.get $task)) (local.get $at))
    (i32.store offset=4 (call $record (local.get $task)) (local.get $length))
    (i32.store offset=8 (call $record (local.get $task)) (local.get $set))
    (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4)))"
    )
}

/// Where a call's record is stored.
const RECORD: &str = "
    (func $record (param $task i32) (result i32)
        (i32.add (i32.const 1024) (i32.mul (local.get $task) (i32.const 12))))";

/// Answers with the record. `attack` runs before it, if the record has six bytes.
fn answer(attack: &str) -> String {
    format!(
        "(local $record i32) (local $count i32)
         (local.set $record (call $record (local.get $handle)))
         (if (i32.eq (i32.load offset=4 (local.get $record)) (i32.const 6)) (then {attack}))
         (call $subtask-drop (local.get $handle))
         (call $set-drop (i32.load offset=8 (local.get $record)))
         (call $answer (i32.load (local.get $record)) (i32.load offset=4 (local.get $record)))
         (i32.const 0)"
    )
}

/// A plugin that attacks while the other calls wait.
fn plugin(attack: &str) -> AsyncPlugin {
    plugin_that("", attack)
}

/// A plugin that does one thing before it waits, and another after.
fn plugin_that(before: &str, after: &str) -> AsyncPlugin {
    AsyncPlugin::concurrent(&wait(before))
        .callback(&answer(after))
        .clock()
        .with(|it| it.items(RECORD))
}

/// A plugin whose allocator attacks while other calls wait.
fn allocator(attack: &str) -> AsyncPlugin {
    let attack = format!("(if (i32.eq (local.get $size) (i32.const 6)) (then {attack}))");
    plugin("").with(|it| it.allocator(&attack))
}

fn case(name: &'static str, outcome: Outcome, message: &'static str, guest: AsyncPlugin) -> Case {
    Case::new(name, outcome, message, move || attempt(guest)).within(96)
}

fn endless(name: &'static str, guest: AsyncPlugin) -> Case {
    case(name, Limit, "time of 200ms", guest)
}

/// Loads a plugin and processes one record that attacks, among others.
fn attempt(guest: AsyncPlugin) -> Result<Seen, String> {
    let limits = Limits::default()
        .with_time(SHORT)
        .with_memory(64 << 20)
        .with_transfer(16 << 20);
    let loaded = load("hostile.wasm", &guest.build(), limits, Grants::default());
    let mut plugin = match loaded {
        Ok(plugin) => plugin.with_in_flight(CALLS),
        Err(error) => return Ok(error.into()),
    };
    if plugin.mode() != CallMode::Concurrent {
        return Err(format!("its mode is {}", plugin.mode()));
    }
    let seen = one_attacks(&mut plugin)?;
    match plugin.process("well") {
        Ok(result) if result.output == "well" => Ok(seen),
        other => Err(format!("the next call gave {other:?} after {seen:?}")),
    }
}

/// All records but one must be answered.
fn one_attacks(plugin: &mut TextPlugin) -> Result<Seen, String> {
    let records = (0..CALLS).map(|number| match number {
        ATTACKER => "attack".to_owned(),
        number => format!("number {number}"),
    });
    let records: Vec<String> = records.collect();
    let answers = plugin.process_all(&Texts::from_iter(records.iter().map(String::as_str)));
    let mut seen = Seen::answer();
    for (number, (answer, record)) in answers.iter().zip(&records).enumerate() {
        match answer {
            Ok(answer) if answer.output == *record => {}
            Err(error) if number == ATTACKER => seen = Seen::from(&**error),
            other => return Err(format!("record {number} gave {other:?}")),
        }
    }
    Ok(seen)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = calls();
    cases.extend(allocators());
    cases
}

fn calls() -> Vec<Case> {
    let grow = "(loop $l
        (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable)) (br $l))";
    let twice = "(call $answer (i32.const 0) (i32.const 0))";
    let many = "(loop $l (drop (call $wait-for (i64.const 3600000000000))) (br $l))";
    vec![
        case(
            "one of 16 calls: it does not attack",
            Outcome::Answer,
            "",
            plugin(""),
        ),
        case(
            "one of 16 calls: it traps",
            Trap,
            "unreachable",
            plugin("unreachable"),
        ),
        endless("one of 16 calls: it computes for ever", plugin(FOREVER)),
        endless(
            "one of 16 calls: it waits for an hour",
            plugin("(call $wait-for-sync (i64.const 3600000000000))"),
        ),
        endless(
            "one of 16 calls: its callback waits on an empty set",
            plugin("(return (i32.or (i32.const 2) (i32.shl (call $set-new) (i32.const 4))))"),
        ),
        endless(
            "one of 16 calls: it yields for ever",
            plugin("(loop $l (drop (call $yield)) (br $l))"),
        ),
        case(
            "one of 16 calls: it uses up memory",
            Limit,
            "memory of 64 MiB",
            plugin(grow),
        ),
        case(
            "one of 16 calls: it answers twice",
            Trap,
            "task.return",
            plugin(twice),
        ),
        case(
            "one of 16 calls: it exits without an answer",
            Trap,
            "failed to produce a result",
            plugin("(return (i32.const 0))"),
        ),
        case(
            "one of 16 calls: its callback code is invalid",
            Trap,
            "callback",
            plugin("(return (i32.const 3))"),
        ),
        case(
            "one of 16 calls: a million subtasks",
            Limit,
            "10000 handles",
            plugin(many),
        ),
        case(
            "one of 16 calls: an answer of 20 MB",
            Limit,
            "",
            plugin(
                "(drop (memory.grow (i32.const 400)))
                 (call $answer (i32.const 131072) (i32.const 20000000))
                 (return (i32.const 0))",
            ),
        ),
        case(
            "one of 16 calls: it traps while others are held back",
            Trap,
            "unreachable",
            plugin_that("(call $backpressure-inc)", "unreachable"),
        ),
        endless(
            "one of 16 calls: it holds back the others",
            plugin("(call $backpressure-inc) (call $wait-for-sync (i64.const 3600000000000))"),
        ),
    ]
}

fn allocators() -> Vec<Case> {
    vec![
        case(
            "one of 16 calls: its allocator traps",
            Trap,
            "unreachable",
            allocator("unreachable"),
        ),
        endless(
            "one of 16 calls: its allocator computes for ever",
            allocator(FOREVER),
        ),
        case(
            "one of 16 calls: its allocator calls the host",
            Trap,
            "cannot leave component",
            allocator("(call $log (i32.const 3) (i32.const 0) (i32.const 0))"),
        ),
        case(
            "one of 16 calls: its allocator waits",
            Trap,
            "cannot leave component",
            allocator("(call $wait-for-sync (i64.const 1))"),
        ),
        case(
            "one of 16 calls: its allocator yields",
            Trap,
            "cannot leave component",
            allocator("(drop (call $yield))"),
        ),
        case(
            "one of 16 calls: its allocator answers",
            Trap,
            "cannot leave component",
            allocator("(call $answer (i32.const 0) (i32.const 0))"),
        ),
        case(
            "one of 16 calls: its allocator returns no memory",
            Trap,
            "",
            allocator("(return (i32.const -1))"),
        ),
    ]
}
