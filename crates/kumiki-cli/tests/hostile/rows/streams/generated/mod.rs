//! Rows: generated calls of every built-in function for streams, futures, waitable sets
//! and tasks. A plugin gets commands by `process` and executes them in `transform`; the
//! commands are generated.
//!
//! A command is the number of a function and a letter for each argument. A letter selects a
//! handle, a small number or an extreme value.

mod guest;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use kumiki::{Grants, Limits};
use kumiki_text::TextPlugin;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use self::guest::{FIRST, LETTERS, RIGHT, functions, plugin};
use super::stage::{Blocking, in_a_task};
use crate::suite::attack::load;
use crate::suite::{Case, Outcome, Seen, to_text};

/// The variable that sets the number of calls, and the default number.
const CASES: &str = "KUMIKI_GENERATED_CASES";
const CALLS: u32 = 300;

/// The time limit of a call. Many calls wait forever.
const TIME: Duration = Duration::from_millis(30);

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::check("300 tasks of any built-in functions", generated)
            .timeout(60 + u64::from(calls()) / 10),
    ]
}

fn calls() -> u32 {
    let number = std::env::var(CASES).ok().and_then(|text| text.parse().ok());
    number.unwrap_or(CALLS)
}

fn generated() -> Result<(), String> {
    let limits = Limits::default()
        .with_time(TIME)
        .with_memory(64 << 20)
        .with_total_time(TIME * 3);
    let plugin = load("hostile.wasm", &plugin().build(), limits, Grants::default());
    let plugin = RefCell::new(plugin.map_err(to_text)?);
    let config = Config {
        cases: calls(),
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    };
    let counted = RefCell::new(BTreeMap::new());
    TestRunner::new(config)
        .run(&(inputs(), any::<bool>()), |(input, is_task)| {
            let called = AssertUnwindSafe(|| call(&mut plugin.borrow_mut(), &input, is_task));
            let outcome = catch_unwind(called).unwrap_or_else(|_| {
                let fact = format!("`{input}` made the host panic ({is_task})");
                Err(TestCaseError::fail(fact))
            })?;
            *counted.borrow_mut().entry(outcome).or_insert(0) += 1;
            Ok(())
        })
        .map_err(to_text)?;
    let counted = counted.into_inner();
    // A test in which no call gets far proves nothing.
    let answers: u32 = *counted.get("answer").unwrap_or(&0);
    match answers > 0 && counted.len() > 10 {
        true => Ok(()),
        false => Err(format!("{counted:?}")),
    }
}

/// Executes commands. The next call must succeed.
fn call(plugin: &mut TextPlugin, input: &str, is_task: bool) -> Result<String, TestCaseError> {
    process(plugin, input)?;
    let result = match is_task {
        true => in_a_task(plugin.transform_async(Blocking(Hesitant(0)), Blocking(Hesitant(0))))
            .map(drop),
        false => plugin.transform(&b"attack"[..], io::sink()).map(drop),
    };
    let outcome = match result {
        Ok(()) => "answer".to_owned(),
        Err(error) => {
            let seen = Seen::from(error);
            if !is_expected(seen.outcome) {
                return Err(TestCaseError::fail(format!("`{input}`: {seen:?}")));
            }
            let reason: String = seen.message.chars().skip(37).take(70).collect();
            format!("{} {reason}", seen.outcome)
        }
    };
    process(plugin, "well")?;
    Ok(outcome)
}

/// Processes a record. The task before it may have left back-pressure, under which nothing
/// can be called; then the next instance must succeed.
fn process(plugin: &mut TextPlugin, record: &str) -> Result<(), TestCaseError> {
    let result = plugin.process(record).or_else(|_| plugin.process(record));
    let failed = |error| TestCaseError::fail(format!("`{record}`: {error}"));
    prop_assert_eq!(&result.map_err(failed)?.output, record);
    Ok(())
}

fn is_expected(outcome: Outcome) -> bool {
    use Outcome::{InvalidText, Limit, Refusal, Trap};
    [Trap, Limit, Refusal, InvalidText].contains(&outcome)
}

/// A reader and a writer that are not always ready.
struct Hesitant(usize);

impl Hesitant {
    fn hesitate(&mut self) -> io::Result<()> {
        self.0 += 1;
        match self.0 % 3 {
            0 => Err(ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        }
    }
}

impl Read for Hesitant {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.hesitate()?;
        let length = buffer.len().min(3);
        buffer[..length].fill(b'x');
        Ok(length)
    }
}

impl Write for Hesitant {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hesitate()?;
        Ok(bytes.len().min(2))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A letter for an argument: mostly one that selects a handle of the right kind, or a small
/// number.
fn letter() -> impl Strategy<Value = u8> {
    let right = FIRST..FIRST + RIGHT;
    let any = FIRST..FIRST + LETTERS;
    prop_oneof![40 => right, 1 => any]
}

/// Inputs of 1 to 39 commands, mostly after `begin`.
fn inputs() -> impl Strategy<Value = String> {
    let functions = functions();
    let named = |name| functions.iter().position(|it| it.label == name);
    let begin = named("begin").unwrap_or(0);
    let (common, all): (Vec<_>, Vec<_>) = (
        (0..functions.len())
            .filter(|it| functions[*it].is_common)
            .collect(),
        (0..functions.len()).collect(),
    );
    let number = prop_oneof![20 => select(common), 1 => select(all)];
    let command = (number, vec(letter(), 3)).prop_map(move |(number, letters)| {
        let mut command = vec![FIRST + number as u8];
        command.extend(&letters[..functions[number].kinds.len()]);
        command
    });
    let begins = prop_oneof![19 => Just(true), 1 => Just(false)];
    (begins, vec(command, 1..40)).prop_map(move |(begins, commands)| {
        let mut letters = vec![b'!'];
        if begins {
            letters.push(FIRST + begin as u8);
        }
        letters.extend(commands.concat());
        String::from_utf8_lossy(&letters).into_owned()
    })
}
