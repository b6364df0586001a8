//! What holds for any text, tried on random ones.

use std::cell::RefCell;

use libtest_mimic::Failed;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::cases::{UPPER, output};
use crate::language::{Language, ask};

/// How many texts each language is given, of at most so many characters.
const TEXTS: u32 = 64;
const CHARACTERS: usize = 100;

/// Every language gives any text back.
pub(crate) fn echo(language: &Language) -> Result<(), Failed> {
    let texts = prop::collection::vec(any::<char>(), 0..CHARACTERS)
        .prop_map(|characters| characters.into_iter().collect::<String>());
    try_all(language, texts, |text| (format!("echo {text}"), text))
}

/// Every language upper-cases the table's characters whatever stands beside
/// them.
pub(crate) fn upper(language: &Language) -> Result<(), Failed> {
    let table: Vec<(char, char)> = UPPER
        .iter()
        .flat_map(|(_, from, to)| from.chars().zip(to.chars()))
        .collect();
    let texts = prop::collection::vec(prop::sample::select(table), 0..CHARACTERS);
    try_all(language, texts, |characters| {
        let (from, to): (String, String) = characters.into_iter().unzip();
        (format!("upper {from}"), to)
    })
}

/// Tries random values, each of which gives an input and the output that is due.
fn try_all<S: Strategy>(
    language: &Language,
    values: S,
    case: impl Fn(S::Value) -> (String, String),
) -> Result<(), Failed> {
    // Kept to the end: no other trial shall hear of what happens here.
    let loaded = language.loaded()?;
    let plugin = RefCell::new(loaded.plugin()?);
    // A failing text belongs in the table, not in a file beside the test.
    let config = Config {
        cases: TEXTS,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&values, |value| {
        let (input, due) = case(value);
        let answer = ask(&mut plugin.borrow_mut(), &input).map_err(TestCaseError::fail)?;
        prop_assert_eq!(answer, output(due));
        Ok(())
    });
    outcome.map_err(|error| error.to_string().into())
}
