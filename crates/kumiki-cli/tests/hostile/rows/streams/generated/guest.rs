//! The plugin that executes commands.

use std::fmt::Write as _;

use test_components::{AsyncPlugin, ECHO};

/// The first letter, and the number of letters.
pub(super) const FIRST: u8 = b'0';
pub(super) const LETTERS: u8 = 64;
/// The number of letters that select a handle of the right kind, or a small number.
pub(super) const RIGHT: u8 = 40;
/// The letters up to here select a handle of another kind, or a number; the others select
/// extreme values.
const SMALL: u8 = 48;

/// The values of the other letters.
const EXTREMES: [i64; 16] = [
    -1,
    0x7fff_ffff,
    0x8000_0000,
    0x0fff_ffff,
    0x1000_0000,
    0x0fff_fffe,
    131_072,
    131_071,
    131_070,
    65_536,
    4096,
    256,
    255,
    12_345,
    -16,
    -2,
];

/// Where the commands and their length are.
const COMMANDS: u32 = 3072;
const LENGTH: u32 = 3068;
/// Where the values of the letters are.
const VALUES: u32 = 1024;
/// Where the handles are: a number for each kind, and 64 handles for each.
const COUNTS: u32 = 1280;
const HANDLES: u32 = 1408;

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A handle of the kind with this number.
    Handle(u32),
    Address,
    Value,
}

/// The kinds of handles.
const READABLE: Kind = Kind::Handle(0);
const WRITABLE: Kind = Kind::Handle(1);
const FUTURE_READABLE: Kind = Kind::Handle(2);
const FUTURE_WRITABLE: Kind = Kind::Handle(3);
const SET: Kind = Kind::Handle(4);
const SUBTASK: Kind = Kind::Handle(5);
/// Ends that are being read or written.
const BUSY: Kind = Kind::Handle(6);
const FUTURE_BUSY: Kind = Kind::Handle(7);

/// A function that commands call.
pub(super) struct Function {
    pub(super) label: &'static str,
    pub(super) kinds: Vec<Kind>,
    returns: bool,
    /// Whether it often does something else than trap.
    pub(super) is_common: bool,
}

/// Functions that mostly trap, or do nothing.
const RARE: [&str; 6] = [
    "task-cancel",
    "backpressure-dec",
    "set-new",
    "future-drop-writable",
    "subtask-drop",
    "subtask-cancel",
];

/// The functions: the built-in ones and the plugin's own.
pub(super) fn functions() -> Vec<Function> {
    let mut functions: Vec<_> = AsyncPlugin::builtins()
        .map(|(label, parameters, results)| Function {
            label,
            kinds: kinds(label, parameters as usize),
            returns: results > 0,
            is_common: !RARE.contains(&label),
        })
        .collect();
    let own = [
        "begin",
        "end",
        "other",
        "own-stream",
        "own-stream",
        "own-future",
        "own-set",
        "own-subtask",
        "wait-briefly",
        "grow",
    ];
    functions.extend(own.map(|label| Function {
        label,
        kinds: Vec::new(),
        returns: false,
        is_common: label != "begin",
    }));
    functions.push(Function {
        label: "task-return",
        kinds: vec![READABLE, FUTURE_READABLE],
        returns: false,
        is_common: false,
    });
    functions.push(Function {
        label: "return",
        kinds: vec![Kind::Value, SET],
        returns: false,
        is_common: true,
    });
    functions
}

fn kinds(label: &str, parameters: usize) -> Vec<Kind> {
    let first = match label {
        "read" | "drop-readable" => READABLE,
        "write" | "drop-writable" => WRITABLE,
        "future-read" | "future-drop-readable" => FUTURE_READABLE,
        "future-write" | "future-drop-writable" => FUTURE_WRITABLE,
        // Either end: half of them are the wrong ones.
        "cancel-read" | "cancel-write" => BUSY,
        "future-cancel-read" | "future-cancel-write" => FUTURE_BUSY,
        "wait" | "poll" | "set-drop" => SET,
        "subtask-drop" | "subtask-cancel" => SUBTASK,
        "join" => return vec![BUSY, SET],
        _ => Kind::Value,
    };
    let mut kinds = vec![first, Kind::Address, Kind::Value];
    kinds.truncate(parameters);
    kinds
}

/// A plugin that executes commands.
pub(super) fn plugin() -> AsyncPlugin {
    AsyncPlugin::streaming("(call $keep (i32.const 0) (local.get $input)) (call $run)")
        .callback("(call $run)")
        .clock()
        .other()
        .with(|it| {
            it.process(&format!(
                "(if (i32.eq (i32.load8_u (local.get $at)) (i32.const 33)) (then
                    (memory.copy (i32.const {COMMANDS}) (local.get $at) (local.get $length))
                    (memory.fill (i32.const {COUNTS}) (i32.const 0) (i32.const 128))
                    (i32.store (i32.const {LENGTH}) (local.get $length))
                    (global.set $next (i32.const 1))))
                 {ECHO}"
            ))
            .global("next")
            .items(&values())
            .items(&letters())
            .items(OWN)
            .items(&interpreter())
        })
}

fn values() -> String {
    let small = (0..i64::from(SMALL)).chain(EXTREMES);
    let bytes = small.fold(String::new(), |mut text, value| {
        for byte in (value as u32).to_le_bytes() {
            let _ = write!(text, "\\{byte:02x}");
        }
        text
    });
    format!("(data (i32.const {VALUES}) \"{bytes}\")")
}

/// Functions that keep handles, and that read letters.
fn letters() -> String {
    format!(
        "(func $keep (param $kind i32) (param $handle i32) (local $count i32)
            (local.set $count (i32.load offset={COUNTS}
                (i32.shl (local.get $kind) (i32.const 2))))
            (i32.store offset={HANDLES}
                (i32.add
                    (i32.shl (local.get $kind) (i32.const 8))
                    (i32.shl (i32.and (local.get $count) (i32.const 63)) (i32.const 2)))
                (local.get $handle))
            (i32.store offset={COUNTS} (i32.shl (local.get $kind) (i32.const 2))
                (i32.add (local.get $count) (i32.const 1))))
         (func $letter (result i32)
            (if (i32.ge_u (global.get $next) (i32.load (i32.const {LENGTH}))) (then
                (return (i32.const 0))))
            (global.set $next (i32.add (global.get $next) (i32.const 1)))
            (i32.sub
                (i32.load8_u offset={before} (global.get $next))
                (i32.const {FIRST})))
         (func $of-letter (param $letter i32) (result i32)
            (i32.load offset={VALUES} (i32.shl (local.get $letter) (i32.const 2))))
         (func $value (result i32) (call $of-letter (call $letter)))
         (func $address (result i32) (local $letter i32)
            (local.set $letter (call $letter))
            (if (i32.ge_u (local.get $letter) (i32.const {SMALL})) (then
                (return (call $of-letter (local.get $letter)))))
            (i32.add (i32.const 65536) (i32.shl (local.get $letter) (i32.const 4))))
         (func $has (param $kind i32) (result i32)
            (i32.load offset={COUNTS} (i32.shl (local.get $kind) (i32.const 2))))
         (func $handle (param $kind i32) (result i32) (local $letter i32) (local $count i32)
            (local.set $letter (call $letter))
            (if (i32.ge_u (local.get $letter) (i32.const {SMALL})) (then
                (return (call $of-letter (local.get $letter)))))
            (if (i32.ge_u (local.get $letter) (i32.const {RIGHT})) (then
                (local.set $kind
                    (i32.rem_u (local.get $letter) (i32.const 8)))))
            (local.set $count (i32.load offset={COUNTS}
                (i32.shl (local.get $kind) (i32.const 2))))
            (if (i32.eqz (local.get $count)) (then (return (i32.const 1))))
            (i32.load offset={HANDLES}
                (i32.add
                    (i32.shl (local.get $kind) (i32.const 8))
                    (i32.shl
                        (i32.and (i32.const 63)
                            (i32.rem_u (local.get $letter) (local.get $count)))
                        (i32.const 2)))))",
        before = COMMANDS - 1,
    )
}

/// The plugin's own functions.
const OWN: &str = "
    (func $other (drop (call $other-new)) (drop (call $strings-new)))
    (func $own-stream (local $pair i64)
        (local.set $pair (call $stream-new))
        (call $keep (i32.const 0) (call $readable (local.get $pair)))
        (call $keep (i32.const 1) (call $writable (local.get $pair))))
    (func $own-future (local $pair i64)
        (local.set $pair (call $future-new))
        (call $keep (i32.const 2) (call $readable (local.get $pair)))
        (call $keep (i32.const 3) (call $writable (local.get $pair))))
    (func $own-set (call $keep (i32.const 4) (call $set-new)))
    (func $own-subtask
        (call $keep (i32.const 5)
            (i32.shr_u (call $wait-for (i64.const 3600000000000)) (i32.const 4))))
    (func $wait-briefly (call $wait-for-sync (i64.const 1000000)))
    (func $begin-and-keep
        (call $begin)
        (call $keep (i32.const 1) (global.get $output))
        (call $keep (i32.const 3) (global.get $outcome)))
    (func $grow (drop (memory.grow (i32.const 1))))";

/// Executes commands. One without a handle of its kind is passed over.
fn interpreter() -> String {
    let mut dispatch = String::new();
    for (number, function) in functions().iter().enumerate() {
        let has = function
            .kinds
            .iter()
            .fold("(i32.const 1)".to_owned(), |all, kind| match kind {
                Kind::Handle(kind) => format!(
                    "(i32.and (i32.ne (i32.const 0)
                    (call $has (i32.const {kind}))) {all})"
                ),
                _ => all,
            });
        let call = call(function);
        let _ = writeln!(
            dispatch,
            "(if (i32.eq (local.get $function) (i32.const {number})) (then
                (if {has} (then {call}))))"
        );
    }
    format!(
        "(func $run (result i32)
            (local $function i32) (local $handle i32)
            (loop $again
                (if (i32.ge_u (global.get $next) (i32.load (i32.const {LENGTH}))) (then
                    (return (i32.const 0))))
                (local.set $function (call $letter))
                {dispatch}
                (br $again))
            unreachable)"
    )
}

/// The call of a function.
fn call(function: &Function) -> String {
    let arguments = function.kinds.iter().map(|kind| match kind {
        Kind::Handle(kind) => format!(" (call $handle (i32.const {kind}))"),
        Kind::Address => " (call $address)".to_owned(),
        Kind::Value => " (call $value)".to_owned(),
    });
    let arguments: Vec<String> = arguments.collect();
    let label = function.label;
    match label {
        "begin" => "(call $begin-and-keep)".to_owned(),
        // A callback code, and the set that it waits on.
        "return" => "(return (i32.or (i32.rem_u (call $value) (i32.const 3))
            (i32.shl (call $handle (i32.const 4)) (i32.const 4))))"
            .to_owned(),
        "read" | "write" | "future-read" | "future-write" => {
            let busy = if label.starts_with("future") { 7 } else { 6 };
            let (handle, rest) = (&arguments[0], arguments[1..].concat());
            format!(
                "(local.set $handle {handle})
                 (if (i32.eq (i32.const -1) (call ${label} (local.get $handle) {rest})) (then
                    (call $keep (i32.const {busy}) (local.get $handle))))"
            )
        }
        label if function.returns => format!("(drop (call ${label}{}))", arguments.concat()),
        label => format!("(call ${label}{})", arguments.concat()),
    }
}
