//! Rows: generated calls of every function of WASI, on one instance. A guest does
//! the commands of its input, and the inputs are generated.
//!
//! An input is `!` and commands. A command is the number of a function, in two
//! letters, and one letter for each argument. A letter chooses a sane value, an
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

/// The variable with the number of calls, and the default number.
const CASES: &str = "KUMIKI_GENERATED_CASES";
const CALLS: u32 = 1000;

/// The time limit of a call. Many wait for something that never comes.
const TIME: Duration = Duration::from_millis(30);

/// The letters of inputs: their number, the number of those that choose sane
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
        .patience(patience()),
        Case::check("1,000 calls of any function of WASI, without", || {
            calls_with(Grants::default())
        })
        .patience(patience()),
    ]
}

fn calls() -> u32 {
    let said = std::env::var(CASES).ok().and_then(|said| said.parse().ok());
    said.unwrap_or(CALLS)
}

/// A minute, and twice the time limits of all calls, in seconds.
fn patience() -> u64 {
    let most = TIME.as_millis() as u64 * u64::from(calls()) * 2 / 1000;
    60 + most
}

fn with_grants() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(to_text)?;
    fill(folder.path())?;
    let grants = network(&["loopback:*", "localhost:*", "public:1"])?;
    calls_with(grants.with_folder(FolderGrant::read_write(folder.path(), "/data")))
}

/// Makes files with the names that the guest has.
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

/// Makes the calls.
fn calls_with(grants: Grants) -> Result<(), String> {
    let functions = functions();
    let plugin = load(&guest(&functions), grants, limits(TIME));
    let plugin = plugin.map_err(to_text)?;
    let config = Config {
        cases: calls(),
        failure_persistence: None,
        // The calls before matter as much.
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
    // A test where all calls trap, or none, shows nothing.
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

/// One call. Where it ended the instance, the next call must be answered.
fn call(plugin: &mut TextPlugin, input: &str) -> Result<String, TestCaseError> {
    let mut reason = String::new();
    let outcome = match plugin.process(input).map_err(Seen::from) {
        Ok(_) => Answer,
        Err(seen) if seen.outcome == Trap => {
            reason = seen.message.chars().skip(35).take(60).collect();
            Trap
        }
        Err(seen) if [Trap, Limit].contains(&seen.outcome) => seen.outcome,
        // It wrote something where its answer should be.
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
