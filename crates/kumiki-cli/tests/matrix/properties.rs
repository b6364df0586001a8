//! Properties of any text, tested with random texts.

use std::cell::RefCell;

use kumiki_text::CallMode;
use libtest_mimic::Failed;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::cases::{UPPER, output};
use crate::language::{Language, call_all};

/// Number of tests for each language, maximum texts per test, and maximum characters
/// per text.
const TURNS: u32 = 64;
const TEXTS: usize = 16;
const CHARACTERS: usize = 100;

/// Every language echoes any text.
pub(crate) fn echo(language: &Language, mode: CallMode) -> Result<(), Failed> {
    let text = prop::collection::vec(any::<char>(), 0..CHARACTERS)
        .prop_map(|characters| characters.into_iter().collect::<String>());
    try_all(language, mode, text, |text| (format!("echo {text}"), text))
}

/// Every language upper-cases the table's characters in any order.
pub(crate) fn upper(language: &Language, mode: CallMode) -> Result<(), Failed> {
    let table: Vec<(char, char)> = UPPER
        .iter()
        .flat_map(|(_, from, to)| from.chars().zip(to.chars()))
        .collect();
    let text = prop::collection::vec(prop::sample::select(table), 0..CHARACTERS);
    try_all(language, mode, text, |characters| {
        let (from, to): (String, String) = characters.into_iter().unzip();
        (format!("upper {from}"), to)
    })
}

/// Tests random values, several at a time. `case` returns the input and the expected
/// output of a value.
fn try_all<S: Strategy>(
    language: &Language,
    mode: CallMode,
    value: S,
    case: impl Fn(S::Value) -> (String, String),
) -> Result<(), Failed> {
    // Locked until the end, so that other trials do not get these events.
    let loaded = language.loaded()?;
    let plugin = RefCell::new(loaded.plugin(mode)?);
    // Failing texts belong in the table, not in a regression file.
    let config = Config {
        cases: TURNS,
        failure_persistence: None,
        ..Config::default()
    };
    let values = prop::collection::vec(value, 1..=TEXTS);
    let outcome = TestRunner::new(config).run(&values, |values| {
        let (inputs, expected): (Vec<_>, Vec<_>) = values.into_iter().map(&case).unzip();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let answers = call_all(&mut plugin.borrow_mut(), &inputs);
        let expected: Vec<_> = expected.into_iter().map(output).collect();
        prop_assert_eq!(answers.map_err(TestCaseError::fail)?, expected);
        Ok(())
    });
    outcome.map_err(|error| error.to_string().into())
}
