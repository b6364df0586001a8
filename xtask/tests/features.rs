//! Checks that parts of the workspace that are built alone use the same features of
//! third-party crates as the whole workspace. Otherwise cargo compiles wasmtime again.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The selections of packages that xtask builds besides the whole workspace.
const SELECTIONS: [&[&str]; 4] = [
    &["-p", "xtask", "--edges", "normal,build"],
    &["-p", "kumiki-cli", "--edges", "normal,build"],
    &["-p", "kumiki", "-p", "kumiki-text", "--no-default-features"],
    &[
        "-p",
        "kumiki",
        "-p",
        "kumiki-text",
        "--no-default-features",
        "--features",
        "kumiki/http,kumiki-text/http",
    ],
];

/// Returns the third-party crates of a selection, each with its version and features.
fn crates(selection: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["tree", "--locked", "--prefix", "none", "--no-dedupe"])
        .args(["--format", "{p} with {f}"])
        .args(selection)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{cargo:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    // The path of a workspace member is in brackets.
    let third_party = |line: &&str| !line.is_empty() && !line.contains(" (/");
    text.lines()
        .filter(third_party)
        .map(str::to_owned)
        .collect()
}

#[test]
fn parts_are_built_with_the_features_of_the_whole_workspace() {
    let whole = crates(&["--workspace"]);
    for selection in SELECTIONS {
        let part = crates(selection);
        assert!(part.len() > 50, "{selection:?}: {part:?}");
        let other: Vec<_> = part.difference(&whole).collect();
        assert!(
            other.is_empty(),
            "{selection:?} builds these crates with other features: {other:#?}\n\
             hint: add the features of `cargo tree --workspace --edges features` to \
             crates/workspace-features/Cargo.toml"
        );
    }
}
