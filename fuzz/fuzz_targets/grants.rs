//! Parses any text as a `kumiki-grants.toml`, and as each kind of grant that the
//! command line accepts. A grant is parsed or refused with a reason, and formatting
//! and parsing it gives the same grant. A file gives each plugin the same grants as
//! its strings parsed one by one, or its error has the number of one of its lines.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use kumiki::{
    Clocks, Error, FolderGrant, GrantError, Grants, GrantsFile, NetworkGrant, Randomness,
    VariableGrant,
};
use libfuzzer_sys::fuzz_target;
use toml::{Table, Value};

fuzz_target!(|text: &str| {
    assert_round_trip::<FolderGrant>(text);
    assert_round_trip::<NetworkGrant>(text);
    assert_round_trip::<Clocks>(text);
    assert_round_trip::<Randomness>(text);
    if let Err(error) = text.parse::<VariableGrant>() {
        assert_explained(&error);
    }

    match GrantsFile::parse("kumiki-grants.toml", text) {
        Ok(file) => assert_matches_single_grants(&file, text),
        Err(Error::GrantsFile { line, message, .. }) => {
            let lines = 1 + text.bytes().filter(|byte| *byte == b'\n').count();
            assert!(
                line.is_none_or(|line| (1..=lines).contains(&line)),
                "{line:?} of {lines}"
            );
            assert!(!message.is_empty());
        }
        Err(other) => panic!("{other}"),
    }
});

fn assert_round_trip<T>(text: &str)
where
    T: FromStr<Err = GrantError> + Display + Debug + PartialEq,
{
    match text.parse::<T>() {
        Ok(grant) => assert_eq!(grant.to_string().parse(), Ok(grant)),
        Err(error) => assert_explained(&error),
    }
}

fn assert_explained(error: &GrantError) {
    assert!(
        !error.reason.is_empty() && !error.hint.is_empty(),
        "{error:?}"
    );
}

/// Parses the same text as plain TOML and compares each string's grant.
fn assert_matches_single_grants(file: &GrantsFile, text: &str) {
    let whole: Table = text.parse().expect("parsed as TOML before");
    let empty = Table::new();
    let all = whole.get("all").map_or(&empty, table);
    let plugins = whole.get("plugin").map_or(&empty, table);
    // `grants_of` takes the path of a plugin's file.
    for (name, own) in plugins {
        // A path, a hash, or a name that no file can have.
        if name.contains(['/', '.', ':']) || name.is_empty() {
            continue;
        }
        let expected = grants(all).merge(&grants(table(own)));
        assert_eq!(file.grants_of(format!("plugins/{name}.wasm")), expected);
    }
    // The grants file names no such plugin.
    assert_eq!(file.grants_of("no-such-folder/.."), grants(all));
    let names: Vec<_> = file.plugins().map(ToString::to_string).collect();
    for name in plugins.keys() {
        // Hexadecimal digits may be upper case.
        let name = match name.strip_prefix("blake3:") {
            Some(hash) => format!("blake3:{}", hash.to_lowercase()),
            None => name.clone(),
        };
        assert!(names.contains(&name), "{name}");
    }
}

fn table(value: &Value) -> &Table {
    value.as_table().expect("parsed as a table before")
}

fn grants(table: &Table) -> Grants {
    let list = |key: &str| {
        let list = table.get(key).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    };
    let word = |key: &str| table.get(key).and_then(Value::as_str);
    let mut grants = Grants::default();
    for folder in list("dirs") {
        grants = grants.with_folder(parse_accepted(folder));
    }
    for variable in list("env") {
        grants = grants.with_variable(parse_accepted(variable));
    }
    for argument in list("args") {
        grants = grants.with_argument(argument);
    }
    for network in list("net") {
        grants = grants.with_network(parse_accepted(network));
    }
    if let Some(clocks) = word("clocks") {
        grants = grants.with_clocks(parse_accepted(clocks));
    }
    if let Some(randomness) = word("random") {
        grants = grants.with_randomness(parse_accepted(randomness));
    }
    grants
}

/// Parses a string of a file that was accepted.
fn parse_accepted<T: FromStr<Err = GrantError>>(text: &str) -> T {
    text.parse().expect("part of an accepted file")
}
