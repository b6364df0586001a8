//! Checks that the tests, rows and files that docs/security.md cites exist.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::path::{Path, PathBuf};

/// The heading that ends the list of tests.
const END: &str = "## Files that are not read again";
/// The heading of a section after it that names rows too. It is the last one.
const ASYNCHRONOUS: &str = "### Asynchronous functions, streams and WASI 0.3";

#[test]
fn tests_that_the_security_page_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut files = Vec::new();
    for folder in ["crates", "fuzz", "xtask"] {
        rust_files(&root.join(folder), &mut files);
    }
    let sources: Vec<_> = files.iter().map(|it| source(it)).collect();
    let paths: Vec<_> = files.iter().map(|it| it.display().to_string()).collect();
    let asynchronous = page.split(ASYNCHRONOUS).nth(1).unwrap();
    let missing: Vec<_> = names(page.split(END).next().unwrap())
        .into_iter()
        .chain(names_in(asynchronous))
        .filter(|name| {
            let is_path = paths.iter().any(|path| path.contains(&**name));
            !is_path && !sources.iter().any(|source| has(source, name))
        })
        .collect();
    assert!(missing.is_empty(), "docs/security.md names {missing:?}");
}

/// Paths in the third column of each table are below `crates/`. Paths without the name
/// of a crate are below `crates/kumiki/src`.
#[test]
fn files_that_the_security_page_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let page = page.split(END).next().unwrap();
    let mut missing = Vec::new();
    for row in page.lines().filter(|line| line.starts_with('|')) {
        let Some(column) = row.split(" | ").nth(2) else {
            continue;
        };
        // In a list, later names are relative to the folder of the path before.
        let mut folder = PathBuf::new();
        for path in code_spans(column) {
            let is_path = path.ends_with('/') || path.ends_with(".rs");
            let places = places(&root, &folder, &path);
            match places.iter().find(|place| place.exists()) {
                Some(place) if place.is_dir() => folder.clone_from(place),
                Some(place) => folder = place.parent().unwrap().to_owned(),
                None if is_path => missing.push(path),
                None => {}
            }
        }
    }
    assert!(missing.is_empty(), "docs/security.md names {missing:?}");
}

/// Returns where a path of the page may be.
fn places(root: &Path, folder: &Path, path: &str) -> Vec<PathBuf> {
    let crates = root.join("crates");
    let mut places = vec![
        crates.join("kumiki/src").join(path),
        crates.join(path),
        folder.join(path),
    ];
    if let Some((name, rest)) = path.split_once('/') {
        places.push(crates.join(name).join("src").join(rest));
    }
    places
}

/// Reads a source file and unescapes its string literals.
fn source(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.replace("\\\"", "\"").replace("\\\n", "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the names of the list of tests.
fn names(page: &str) -> Vec<String> {
    let names = names_in(page);
    assert!(names.len() > 100, "only {} names are found", names.len());
    names
}

/// Returns the names in code spans: in the last column of each table, and in the
/// parentheses of lists that begin with `row`.
fn names_in(page: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in page.lines() {
        let part = match line.strip_prefix('|') {
            Some(row) => row.trim_end_matches('|').rsplit('|').next(),
            None => line.split("(row").nth(1),
        };
        names.extend(code_spans(part.unwrap_or_default()));
    }
    names
}

/// Returns the code spans of a line; two backticks delimit one with a backtick.
fn code_spans(mut text: &str) -> Vec<String> {
    let mut spans = Vec::new();
    while let Some(start) = text.find('`') {
        let count = text[start..].bytes().take_while(|it| *it == b'`').count();
        let fence = &text[start..start + count];
        let rest = &text[start + count..];
        let Some(end) = rest.find(fence) else { break };
        spans.push(rest[..end].trim().to_owned());
        text = &rest[end + count..];
    }
    spans
}

/// Whether a source has the name, in which `…` matches any text nearby.
fn has(source: &str, name: &str) -> bool {
    const NEARBY: usize = 200;
    let mut parts = name.split('…').map(str::trim).filter(|it| !it.is_empty());
    let Some(first) = parts.next() else {
        return true;
    };
    let rest: Vec<_> = parts.collect();
    source.match_indices(first).any(|(at, _)| {
        let mut nearby = source[at + first.len()..].chars();
        let nearby: String = nearby.by_ref().take(NEARBY).collect();
        let mut from = &nearby[..];
        rest.iter().all(|part| match from.split_once(part) {
            Some((_, after)) => {
                from = after;
                true
            }
            None => false,
        })
    })
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}
