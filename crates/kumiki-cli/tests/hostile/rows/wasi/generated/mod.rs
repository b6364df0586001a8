//! Rows: generated calls of every function of WASI, on one instance. A guest executes
//! the commands in its input, and the inputs are generated.
//!
//! An input is `!` followed by commands. A command is the number of a function, in two
//! letters, and one letter for each argument. A letter selects a valid value, an
//! extreme value, or one of the last handles, live or not.

mod guest;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use kumiki::{FolderGrant, Grants};
use kumiki_text::TextPlugin;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use test_components::wasi::{Function, functions};

use self::guest::guest;
#[cfg(unix)]
use crate::program::{link, make_pipe};
use crate::suite::Outcome::{Answer, Limit, Refusal, Trap};
use crate::suite::granted::{limits, load, network};
use crate::suite::{Case, Seen, to_text};

/// The variable that sets the number of calls, and the default number.
const CASES: &str = "KUMIKI_GENERATED_CASES";
const CALLS: u32 = 1000;

/// The time limit of a call. Many calls wait forever.
const TIME: Duration = Duration::from_millis(30);

/// The letters of inputs: their number, the number of letters that select valid
/// values, and the first letter.
const LETTERS: u32 = 64;
const SANE: u32 = 48;
const FIRST: u8 = b'0';

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::check(
            "1,000 calls of any function of WASI, with grants",
            with_grants,
        )
        .timeout(timeout()),
        Case::check(
            "1,000 calls of any function of WASI, without grants",
            || calls_with(Grants::default()),
        )
        .timeout(timeout()),
    ]
}

fn calls() -> u32 {
    let number = std::env::var(CASES).ok().and_then(|text| text.parse().ok());
    number.unwrap_or(CALLS)
}

/// A minute plus twice the time limits of all calls, in seconds.
fn timeout() -> u64 {
    let most = TIME.as_millis() as u64 * u64::from(calls()) * 2 / 1000;
    60 + most
}

fn with_grants() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(to_text)?;
    fill(folder.path())?;
    let grants = network(&["loopback:*", "localhost:*", "public:1"])?;
    calls_with(grants.with_folder(FolderGrant::read_write(folder.path(), "/data")))
}

/// Creates files with the names that the guest uses.
fn fill(folder: &Path) -> Result<(), String> {
    std::fs::write(folder.join("f"), "text").map_err(to_text)?;
    std::fs::create_dir(folder.join("d")).map_err(to_text)?;
    for number in 0..300 {
        std::fs::write(folder.join("d").join(number.to_string()), "").map_err(to_text)?;
    }
    #[cfg(unix)]
    {
        make_pipe(&folder.join("p"))?;
        link(Path::new("/etc/passwd"), &folder.join("l"))?;
    }
    Ok(())
}

/// Makes the calls with these grants.
fn calls_with(grants: Grants) -> Result<(), String> {
    let functions = functions();
    let plugin = load(&guest(&functions), grants, limits(TIME));
    let plugin = plugin.map_err(to_text)?;
    let config = Config {
        cases: calls(),
        failure_persistence: None,
        // A failure can depend on all calls before it.
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
        .map_err(to_text)?;
    // A test in which all calls trap, or none, proves nothing.
    let of = |name: &str| -> u32 {
        let counts = counted.iter();
        counts
            .filter(|(it, _)| it.starts_with(name))
            .map(|(_, count)| count)
            .sum()
    };
    let (answers, traps) = (of("answer"), of("trap"));
    match answers > calls() / 20 && traps > calls() / 20 {
        true => Ok(()),
        false => Err(format!("{counted:?}")),
    }
}

/// Makes one call. If it ends the instance, the next call must succeed.
fn call(plugin: &mut TextPlugin, input: &str) -> Result<String, TestCaseError> {
    let mut reason = String::new();
    let outcome = match plugin.process(input).map_err(Seen::from) {
        Ok(_) => Answer,
        Err(seen) if seen.outcome == Trap => {
            reason = seen.message.chars().skip(35).take(60).collect();
            Trap
        }
        Err(seen) if [Trap, Limit].contains(&seen.outcome) => seen.outcome,
        // The guest overwrote its own result.
        Err(seen) if seen.outcome == Refusal => seen.outcome,
        Err(seen) => {
            let fact = format!("`{input}` gave {}: {}", seen.outcome, seen.message);
            return Err(TestCaseError::fail(fact));
        }
    };
    if outcome != Answer {
        let well = plugin.process("well").map_err(to_text);
        let well = well.map_err(TestCaseError::fail)?;
        prop_assert_eq!(&well.output, "well");
    }
    Ok(format!("{outcome} {reason}").trim().to_owned())
}

/// A letter, mostly one that selects a valid value.
fn letter() -> impl Strategy<Value = u8> {
    let sane = FIRST..FIRST + SANE as u8;
    let any = FIRST..FIRST + LETTERS as u8;
    prop_oneof![150 => sane, 1 => any]
}

/// Inputs of 1 to 29 commands.
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
