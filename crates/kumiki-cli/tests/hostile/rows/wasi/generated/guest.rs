//! The guest that executes the commands in its input.

use std::fmt::Write as _;

use test_components::wasi::{Function, Kind};
use test_components::{ECHO, TextPlugin as Guest};

use super::{FIRST, LETTERS, SANE};

/// The number of handles of each resource that the guest remembers.
const HANDLES: u32 = 8;

/// The address of these handles: after the strings, before the memory for results.
const RINGS: u32 = 2048;

/// The values of the other letters.
const EXTREME: [i64; 16] = [
    -1,
    i64::MIN,
    i64::MAX,
    i32::MIN as i64,
    i32::MAX as i64,
    u32::MAX as i64 - 1,
    0x1_0000_0000,
    131_072,
    131_071,
    131_068,
    65_536,
    4096,
    1 << 20,
    1 << 40,
    7,
    999_999_999_999,
];

/// Valid values.
const VALUES: [i64; 8] = [0, 1, 0, 1, 0, 1, 2, 1];

/// The strings of the guest, stored one after another from 300 on.
const STRINGS: [&str; 8] = ["f", "d", "p", "l", "..", "new", "localhost", "d/1"];

/// A guest that can call these functions.
pub(super) fn guest(functions: &[Function]) -> Guest {
    let mut resources: Vec<&str> = functions
        .iter()
        .flat_map(|function| &function.kinds)
        .filter_map(|kind| match kind {
            Kind::Borrowed(resource) | Kind::Owned(resource) => Some(resource.as_str()),
            _ => None,
        })
        .collect();
    resources.sort_unstable();
    resources.dedup();
    let ring = |resource: &str| {
        let at = resources.binary_search(&resource);
        RINGS + at.map_or(0, |at| at as u32) * HANDLES * 4
    };
    let mut guest = Guest::new("generated").process(&format!(
        "(if (i32.and (i32.gt_u (local.get $length) (i32.const 0))
            (i32.eq (i32.load8_u (local.get $at)) (i32.const {})))
          (then
            (global.set $end (i32.add (local.get $at) (local.get $length)))
            (global.set $at (i32.add (local.get $at) (i32.const 1)))
            (block $over (loop $next
                (br_if $over (i32.ge_u (global.get $at) (global.get $end)))
                (call_indirect (type $command)
                    (i32.add (i32.mul (call $letter) (i32.const {LETTERS})) (call $letter)))
                (br $next)))))
         {ECHO}",
        b'!'
    ));
    for global in ["at", "end"] {
        guest = guest.global(global);
    }
    let mut items = helpers();
    for (number, function) in functions.iter().enumerate() {
        guest = guest.import(&function.import(&format!("$wasi{number}")));
        items += &command(number, function, &ring);
    }
    let all = (0..functions.len()).fold(String::new(), |all, it| all + &format!(" $command{it}"));
    let _ = write!(items, "(table funcref (elem{all}))");
    guest
        .with_all_of_wasi()
        .data(300, &STRINGS.concat())
        .items(&items)
}

/// The functions that read the letters of a command.
fn helpers() -> String {
    let table = |name: &str, values: &[i64]| {
        let chosen = values.iter().rev().fold(String::new(), |rest, value| {
            format!(
                "(if (result i64) (i32.eqz (local.get $n)) (then (i64.const {value}))
                    (else (local.set $n (i32.sub (local.get $n) (i32.const 1))) {}))",
                if rest.is_empty() {
                    "(i64.const 0)"
                } else {
                    &rest
                }
            )
        });
        format!("(func {name} (param $n i32) (result i64) {chosen})")
    };
    let mut at = 300;
    let starts = STRINGS.map(|string| {
        let start = at;
        at += string.len() as i64;
        start
    });
    let lengths = STRINGS.map(|string| string.len() as i64);
    // A letter for a valid value selects by its last bits, so that the start and the
    // length often belong to the same string.
    let chosen = |name: &str, sane: &str| {
        format!(
            "(func {name} (result i64) (local $n i32)
                (local.set $n (call $letter))
                (if (result i64) (i32.lt_u (local.get $n) (i32.const {SANE}))
                    (then (call {sane} (i32.and (local.get $n) (i32.const 7))))
                    (else (call $extreme (i32.sub (local.get $n) (i32.const {SANE}))))))"
        )
    };
    format!(
        "(type $command (func))
         (func $letter (result i32) (local $n i32)
            (local.set $n (i32.sub (i32.load8_u (global.get $at)) (i32.const {FIRST})))
            (global.set $at (i32.add (global.get $at) (i32.const 1)))
            (i32.and (local.get $n) (i32.const 63)))
         {} {} {} {} {} {} {}
         (func $answer (result i64) (local $n i32)
            (local.set $n (call $letter))
            (if (result i64) (i32.lt_u (local.get $n) (i32.const {SANE}))
                (then (i64.const 128))
                (else (call $extreme (i32.sub (local.get $n) (i32.const {SANE}))))))
         (func $handle (param $ring i32) (result i64) (local $n i32)
            (local.set $n (call $letter))
            (if (result i64) (i32.lt_u (local.get $n) (i32.const {SANE}))
                (then (i64.load32_u (i32.add (local.get $ring)
                    (i32.shl (i32.and (local.get $n) (i32.const 7)) (i32.const 2)))))
                (else (call $extreme (i32.sub (local.get $n) (i32.const {SANE}))))))
         ;; A handle that is passed on is dead. Some dead handles are kept.
         (func $owned (param $ring i32) (result i64) (local $handle i32)
            (local.set $handle (i32.wrap_i64 (call $handle (local.get $ring))))
            (if (i32.and (local.get $handle) (i32.const 15))
                (then (call $forget (local.get $ring) (local.get $handle))))
            (i64.extend_i32_u (local.get $handle)))
         (func $forget (param $ring i32) (param $handle i32)
            (local $at i32) (local $other i32)
            (loop $look
                (if (i32.ne (local.get $handle)
                    (i32.load (i32.add (local.get $ring) (local.get $at))))
                    (then (local.set $other
                        (i32.load (i32.add (local.get $ring) (local.get $at))))))
                (br_if $look (i32.lt_u (local.tee $at
                    (i32.add (local.get $at) (i32.const 4))) (i32.const 32))))
            (local.set $at (i32.const 0))
            (loop $put
                (if (i32.eq (local.get $handle)
                    (i32.load (i32.add (local.get $ring) (local.get $at))))
                    (then (i32.store (i32.add (local.get $ring) (local.get $at))
                        (local.get $other))))
                (br_if $put (i32.lt_u (local.tee $at
                    (i32.add (local.get $at) (i32.const 4))) (i32.const 32)))))
         ;; The newest handle of a ring is the first. Initially all are the same.
         (func $keep (param $ring i32) (param $handle i32)
            (if (i32.eqz (i32.load (local.get $ring))) (then
                (i32.store offset=4 (local.get $ring) (local.get $handle))
                (i32.store offset=8 (local.get $ring) (local.get $handle))
                (i32.store offset=12 (local.get $ring) (local.get $handle))
                (i32.store offset=16 (local.get $ring) (local.get $handle))
                (i32.store offset=20 (local.get $ring) (local.get $handle))
                (i32.store offset=24 (local.get $ring) (local.get $handle))
                (i32.store offset=28 (local.get $ring) (local.get $handle))))
            (memory.copy (i32.add (local.get $ring) (i32.const 4)) (local.get $ring)
                (i32.const 28))
            (i32.store (local.get $ring) (local.get $handle)))",
        table("$extreme", &EXTREME),
        table("$a-value", &VALUES),
        table("$a-start", &starts),
        table("$a-length", &lengths),
        chosen("$value", "$a-value"),
        chosen("$pointer", "$a-start"),
        chosen("$length", "$a-length"),
    )
}

/// Skips the letters of this many arguments.
fn pass_over(count: usize) -> String {
    format!("(global.set $at (i32.add (global.get $at) (i32.const {count})))")
}

/// Calls one function with the arguments that the letters select, and keeps the
/// handles that it returns.
fn command(number: usize, function: &Function, ring: &impl Fn(&str) -> u32) -> String {
    let mut arguments = String::new();
    let count = function.kinds.len();
    // A command that needs a handle is skipped while none is open. `exit` is skipped
    // except for rare letters.
    for kind in &function.kinds {
        if let Kind::Borrowed(resource) | Kind::Owned(resource) = kind {
            let ring = ring(resource);
            let _ = write!(
                arguments,
                "(if (i32.eqz (i32.load (i32.const {ring}))) (then {} return)) ",
                pass_over(count)
            );
        }
    }
    if function.name.starts_with("exit") {
        let _ = write!(
            arguments,
            "(if (i32.lt_u (i32.sub (i32.load8_u (global.get $at)) (i32.const {FIRST}))
                (i32.const {SANE})) (then {} return)) ",
            pass_over(count)
        );
    }
    for (kind, parameter) in function.kinds.iter().zip(&function.parameters) {
        let value = match kind {
            Kind::Borrowed(resource) => format!("(call $handle (i32.const {}))", ring(resource)),
            Kind::Owned(resource) => {
                format!("(call $owned (i32.const {}))", ring(resource))
            }
            // `poll` takes a list of handles. All other lists are of bytes.
            Kind::Pointer if function.name == "poll" => {
                format!("(call $letter) drop (i64.const {})", ring("pollable"))
            }
            Kind::Pointer => "(call $pointer)".into(),
            Kind::Length if function.name == "poll" => "(call $letter) drop (i64.const 2)".into(),
            Kind::Length => "(call $length)".into(),
            Kind::Answer => "(call $answer)".into(),
            Kind::Value => "(call $value)".into(),
        };
        let convert = match *parameter {
            "i32" => "i32.wrap_i64",
            "f32" => "f32.convert_i64_s",
            "f64" => "f64.convert_i64_s",
            _ => "",
        };
        let _ = write!(arguments, "{value} {convert} ");
    }
    let mut text = format!("(func $command{number} {arguments} call $wasi{number} ");
    match (&*function.results, &*function.gives) {
        ([_], [(0, resource)]) => {
            let ring = ring(resource);
            text = format!(
                "(func $command{number} (local $handle i32) {arguments} call $wasi{number} \
                 (local.set $handle) (call $keep (i32.const {ring}) (local.get $handle))"
            );
        }
        ([], given) => {
            let is_result = given.iter().all(|(at, _)| *at >= 4);
            if is_result && !given.is_empty() {
                text += "(if (i32.eqz (i32.load8_u (i32.const 128))) (then ";
            }
            for (at, resource) in given {
                let (ring, at) = (ring(resource), 128 + at);
                let _ = write!(
                    text,
                    "(call $keep (i32.const {ring}) (i32.load (i32.const {at})))"
                );
            }
            if is_result && !given.is_empty() {
                text += "))";
            }
        }
        (results, _) => {
            for _ in results {
                text += "drop ";
            }
        }
    }
    // The granted folders are a list.
    if function.name == "get-directories" {
        let ring = ring("descriptor");
        let _ = write!(
            text,
            "(if (i32.load (i32.const 132)) (then
                (call $keep (i32.const {ring}) (i32.load (i32.load (i32.const 128))))))"
        );
    }
    text + ")\n"
}
