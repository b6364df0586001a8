//! Any text as a `kumiki-grants.toml`, and as each of the grants that a command
//! line takes. A grant is read or refused in words, and what is written again
//! reads as the same; a file says of every plugin what its strings say one by
//! one, or places its fault on one of its lines.

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
    written_again::<FolderGrant>(text);
    written_again::<NetworkGrant>(text);
    written_again::<Clocks>(text);
    written_again::<Randomness>(text);
    if let Err(error) = text.parse::<VariableGrant>() {
        said(&error);
    }

    match GrantsFile::parse("kumiki-grants.toml", text) {
        Ok(file) => as_its_strings(&file, text),
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

fn written_again<T>(text: &str)
where
    T: FromStr<Err = GrantError> + Display + Debug + PartialEq,
{
    match text.parse::<T>() {
        Ok(grant) => assert_eq!(grant.to_string().parse(), Ok(grant)),
        Err(error) => said(&error),
    }
}

fn said(error: &GrantError) {
    assert!(
        !error.reason.is_empty() && !error.hint.is_empty(),
        "{error:?}"
    );
}

/// Reads the same text as plain TOML and grants string after string.
fn as_its_strings(file: &GrantsFile, text: &str) {
    let whole: Table = text.parse().expect("it was read as TOML before");
    let empty = Table::new();
    let all = whole.get("all").map_or(&empty, table);
    let plugins = whole.get("plugin").map_or(&empty, table);
    // Read through the same call: `grants_of` takes a file's path.
    for (name, own) in plugins {
        // A path, a hash, or no name that a file can have.
        if name.contains(['/', '.', ':']) || name.is_empty() {
            continue;
        }
        let expected = grants(all).and(&grants(table(own)));
        assert_eq!(file.grants_of(format!("plugins/{name}.wasm")), expected);
    }
    // No plugin in the file is called so: there is no such file.
    assert_eq!(file.grants_of("no-such-folder/.."), grants(all));
    let names: Vec<_> = file.plugins().map(ToString::to_string).collect();
    for name in plugins.keys() {
        // A hash may be written in two ways.
        let name = match name.strip_prefix("blake3:") {
            Some(hash) => format!("blake3:{}", hash.to_lowercase()),
            None => name.clone(),
        };
        assert!(names.contains(&name), "{name}");
    }
}

fn table(value: &Value) -> &Table {
    value.as_table().expect("it was read as a table before")
}

fn grants(table: &Table) -> Grants {
    let list = |key: &str| {
        let list = table.get(key).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    };
    let word = |key: &str| table.get(key).and_then(Value::as_str);
    let mut grants = Grants::default();
    for folder in list("dirs") {
        grants = grants.with_folder(good(folder));
    }
    for variable in list("env") {
        grants = grants.with_variable(good(variable));
    }
    for argument in list("args") {
        grants = grants.with_argument(argument);
    }
    for network in list("net") {
        grants = grants.with_network(good(network));
    }
    if let Some(clocks) = word("clocks") {
        grants = grants.with_clocks(good(clocks));
    }
    if let Some(randomness) = word("random") {
        grants = grants.with_randomness(good(randomness));
    }
    grants
}

/// What stands in a file that was accepted.
fn good<T: FromStr<Err = GrantError>>(text: &str) -> T {
    text.parse().expect("the file was accepted with it")
}
