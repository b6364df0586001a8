//! Every function of WASI, with any arguments, on one warm instance: a guest
//! does what its input says, and its inputs are generated.
//!
//! An input is `!` and then commands, each a function's number and one letter
//! an argument. A letter chooses among sane values, extreme ones, and the
//! handles that the guest was given last, live or not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use kumiki::{FolderGrant, Grants};
use kumiki_text::TextPlugin;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use test_components::wasi::{Function, Kind, functions};
use test_components::{ECHO, TextPlugin as Guest};

use crate::suite::Outcome::{Answer, Limit, Trap};
use crate::suite::granted::{limits, load};
use crate::suite::{Case, Seen};

/// How many calls there are, unless this variable says otherwise.
const CASES: &str = "KUMIKI_GENERATED_CASES";
const CALLS: u32 = 1000;

/// What a call may take: many wait for something that never comes.
const TIME: Duration = Duration::from_millis(30);

/// The letters of inputs are these many from this one on.
const LETTERS: u32 = 64;
const FIRST: u8 = b'0';

/// How many handles of each resource the guest remembers.
const HANDLES: u32 = 8;

/// Where it does: after its strings, before its memory for answers.
const RINGS: u32 = 2048;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "1,000 calls of any function of WASI, with grants",
            Answer,
            "",
            with_grants,
        )
        .patience(patience()),
        Case::new(
            "1,000 calls of any function of WASI, without",
            Answer,
            "",
            || tried(Grants::default()),
        )
        .patience(patience()),
    ]
}

fn calls() -> u32 {
    let said = std::env::var(CASES).ok().and_then(|said| said.parse().ok());
    said.unwrap_or(CALLS)
}

/// Twice what the calls may take, in seconds.
fn patience() -> u64 {
    let most = TIME.as_millis() as u64 * u64::from(calls()) * 2 / 1000;
    60 + most
}

fn with_grants() -> Result<Seen, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    fill(folder.path()).map_err(|error| error.to_string())?;
    let mut grants = Grants::default().with_folder(FolderGrant::read_write(folder.path(), "/data"));
    for grant in ["loopback:*", "localhost:*", "public:1"] {
        let grant = grant.parse();
        grants = grants.with_network(grant.map_err(|error: kumiki::GrantError| error.to_string())?);
    }
    tried(grants)
}

/// Files of the names that the guest has.
fn fill(folder: &Path) -> std::io::Result<()> {
    std::fs::write(folder.join("f"), "text")?;
    std::fs::create_dir(folder.join("d"))?;
    for number in 0..300 {
        std::fs::write(folder.join("d").join(number.to_string()), "")?;
    }
    #[cfg(unix)]
    {
        std::process::Command::new("mkfifo")
            .arg(folder.join("p"))
            .status()?;
        std::os::unix::fs::symlink("/etc/passwd", folder.join("l"))?;
    }
    Ok(())
}

fn tried(grants: Grants) -> Result<Seen, String> {
    let functions = functions();
    let plugin = load(&guest(&functions), grants, limits(TIME));
    let plugin = plugin.map_err(|error| error.to_string())?;
    let config = Config {
        cases: calls(),
        failure_persistence: None,
        // What went before matters as much.
        max_shrink_iters: 0,
        ..Config::default()
    };
    let plugin = std::cell::RefCell::new(plugin);
    let mut counted = BTreeMap::new();
    let counts = std::cell::RefCell::new(&mut counted);
    TestRunner::new(config)
        .run(&inputs(functions), |input| {
            let outcome = call(&mut plugin.borrow_mut(), &input)?;
            *counts.borrow_mut().entry(outcome).or_insert(0) += 1;
            Ok(())
        })
        .map_err(|error| error.to_string())?;
    // A test in which all calls trap, or none, tries nothing.
    let of = |name: &str| -> u32 {
        let counts = counted.iter();
        counts
            .filter(|(it, _)| it.starts_with(name))
            .map(|(_, count)| count)
            .sum()
    };
    let (answers, traps) = (of("answer"), of("trap"));
    match answers > calls() / 20 && traps > calls() / 20 {
        true => Ok(Seen::answer()),
        false => Err(format!("{counted:?}")),
    }
}

/// One call, and if it ended the instance, one that must be answered.
fn call(plugin: &mut TextPlugin, input: &str) -> Result<String, TestCaseError> {
    let mut reason = String::new();
    let outcome = match plugin.process(input).map_err(Seen::from) {
        Ok(_) => Answer,
        Err(seen) if seen.outcome == Trap => {
            reason = seen.message.chars().skip(35).take(60).collect();
            Trap
        }
        Err(seen) if [Trap, Limit].contains(&seen.outcome) => seen.outcome,
        // Whatever it wrote where its answer should be.
        Err(seen) if seen.outcome == crate::suite::Outcome::Refusal => seen.outcome,
        Err(seen) => {
            let fact = format!("`{input}` gave {}: {}", seen.outcome, seen.message);
            return Err(TestCaseError::fail(fact));
        }
    };
    if outcome != Answer {
        let well = plugin.process("well").map_err(|error| error.to_string());
        let well = well.map_err(TestCaseError::fail)?;
        prop_assert_eq!(&well.output, "well");
    }
    Ok(format!("{outcome} {reason}").trim().to_owned())
}

/// A letter: mostly a sane choice.
fn letter() -> impl Strategy<Value = u8> {
    let sane = FIRST..FIRST + SANE as u8;
    let any = FIRST..FIRST + LETTERS as u8;
    prop_oneof![150 => sane, 1 => any]
}

/// Inputs of some commands.
fn inputs(functions: Vec<Function>) -> impl Strategy<Value = String> {
    let command = (0..functions.len(), vec(letter(), 16)).prop_map(move |(number, letters)| {
        let mut command = vec![
            FIRST + (number as u32 / LETTERS) as u8,
            FIRST + (number as u32 % LETTERS) as u8,
        ];
        command.extend(&letters[..functions[number].kinds.len()]);
        command
    });
    vec(command, 1..30).prop_map(|commands| {
        let letters = commands.concat();
        format!("!{}", String::from_utf8_lossy(&letters))
    })
}

/// How many of the letters choose sane values.
const SANE: u32 = 48;

/// What the other letters choose.
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

/// Sane numbers of whatever.
const VALUES: [i64; 8] = [0, 1, 0, 1, 0, 1, 2, 1];

/// The strings that it has at 300, one behind the other.
const STRINGS: [&str; 8] = ["f", "d", "p", "l", "..", "new", "localhost", "d/1"];

fn guest(functions: &[Function]) -> Guest {
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

/// Values for the letters of a command.
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
    // A sane letter chooses by its last bits, so that a string's start and its
    // length are often of the same.
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
         ;; What is given away is live no more; some are kept all the same.
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
         ;; The newest of a ring stands first; all are the same at the beginning.
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

/// Passes over the letters of so many arguments.
fn pass_over(count: usize) -> String {
    format!("(global.set $at (i32.add (global.get $at) (i32.const {count})))")
}

/// One function with the arguments that the letters choose; the handles that it
/// gives are kept.
fn command(number: usize, function: &Function, ring: &impl Fn(&str) -> u32) -> String {
    let mut arguments = String::new();
    let count = function.kinds.len();
    // Without a handle that it needs, it is passed over; so is the end of the
    // instance, but for a rare letter.
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
            // A list of handles is the only one of anything but bytes.
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
    // The granted folders stand in a list.
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
