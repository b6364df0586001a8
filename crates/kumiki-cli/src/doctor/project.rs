//! Examines a plugin's project: its `kumiki.toml`, WIT and toolchain.

use std::fs;
use std::path::{Path, PathBuf};

use kumiki_build::{Error, Probe, Project, Tools, read_text, unknown_imports};

use super::Diagnosis;
use crate::failure::causes;

/// Examines the project in a folder; builds nothing.
pub(crate) fn examine(folder: &Path, tools: &Tools) -> Vec<Diagnosis> {
    let project = match Project::read(folder) {
        Ok(project) => project,
        Err(error) => {
            let fix = error.hint().unwrap_or_default();
            return vec![Diagnosis::severe(error.to_string(), fix)];
        }
    };
    let mut diagnoses = Vec::new();
    if let Probe::Missing(missing) = project.toolchain().probe(tools, project.wasi) {
        diagnoses.push(Diagnosis::severe(missing.what, missing.hint));
    }
    match unknown_imports(&project) {
        Ok(imports) => diagnoses.extend(
            imports
                .iter()
                .map(|import| Diagnosis::severe(import.to_string(), import.hint())),
        ),
        Err(error @ Error::Io { .. }) => diagnoses.push(Diagnosis::severe(
            error.to_string(),
            "create the file, or set `entry` in kumiki.toml",
        )),
        // Faults of the WIT are reported by other checks.
        Err(_) => {}
    }
    for file in wit_files(&project.wit) {
        let text = match read_text(&file) {
            Ok(text) => text,
            Err(error) => {
                let causes = causes(&error).join(": ");
                let fix = "replace it with a WIT file, or remove it";
                diagnoses.push(Diagnosis::severe(format!("{error}: {causes}"), fix));
                continue;
            }
        };
        for (line, name) in names_that_are_not_kebab_case(&text) {
            diagnoses.push(Diagnosis::severe(
                format!(
                    "{}:{line}: `{name}` is not a valid name in WIT",
                    file.display()
                ),
                format!("write `{}`", kebab_case(&name)),
            ));
        }
    }
    diagnoses
}

/// The WIT files at a path: the file itself, or those in the folder.
fn wit_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
        .collect();
    files.sort();
    files
}

/// Finds names with mixed case or underscores, with their line numbers from 1.
/// Comments are skipped.
fn names_that_are_not_kebab_case(text: &str) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    let mut in_block = false;
    for (index, line) in text.lines().enumerate() {
        for word in words(line, &mut in_block) {
            if !is_kebab_case(word) {
                names.push((index + 1, word.to_owned()));
            }
        }
    }
    names
}

/// The words of a line outside of comments. `in_block` tells whether a block
/// comment is open; it is updated for the next line.
fn words<'a>(line: &'a str, in_block: &mut bool) -> Vec<&'a str> {
    let mut code = Vec::new();
    let mut rest = line;
    loop {
        if *in_block {
            let Some((_, after)) = rest.split_once("*/") else {
                break;
            };
            (*in_block, rest) = (false, after);
        }
        let comment = [rest.find("//"), rest.find("/*")]
            .into_iter()
            .flatten()
            .min();
        let (before, after) = rest.split_at(comment.unwrap_or(rest.len()));
        code.push(before);
        if !after.starts_with("/*") {
            break;
        }
        (*in_block, rest) = (true, &after[2..]);
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let words = code
        .into_iter()
        .flat_map(|code| code.split(move |c| !is_name(c)));
    words
        .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        .collect()
}

/// Whether each word between hyphens has letters of one case and digits. A lone
/// `_` is part of WIT's syntax.
fn is_kebab_case(name: &str) -> bool {
    name == "_"
        || name.split('-').all(|word| {
            let word = word.as_bytes();
            let lower = word
                .iter()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            let upper = word
                .iter()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
            word.first().is_some_and(u8::is_ascii_alphanumeric) && (lower || upper)
        })
}

/// Converts a name to kebab case: `processResult` and `process_result` both
/// become `process-result`.
fn kebab_case(name: &str) -> String {
    let mut kebab = String::new();
    let mut previous = '-';
    for c in name.chars() {
        let starts_word = c.is_uppercase() && (previous.is_lowercase() || previous.is_numeric());
        if (starts_word || matches!(c, '_' | '-')) && !kebab.is_empty() && !kebab.ends_with('-') {
            kebab.push('-');
        }
        if !matches!(c, '_' | '-') {
            kebab.extend(c.to_lowercase());
        }
        previous = c;
    }
    kebab.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_kebab_case() {
        for (name, kebab) in [
            ("processResult", "process-result"),
            ("ProcessResult", "process-result"),
            ("process_result", "process-result"),
            ("_private", "private"),
            ("HTTPServer", "httpserver"),
            ("a1B2", "a1-b2"),
            ("Mixed_Case-name", "mixed-case-name"),
        ] {
            assert!(!is_kebab_case(name), "{name}");
            assert_eq!(kebab_case(name), kebab);
            assert!(is_kebab_case(kebab), "{kebab}");
        }
        for name in [
            "process-result",
            "a",
            "HTTP-server",
            "u8",
            "_",
            "list",
            "x2-y3",
        ] {
            assert!(is_kebab_case(name), "{name}");
        }
    }

    #[test]
    fn only_names_outside_of_comments_count() {
        let text = "package a:b; // noName here\n/* norHere\n still_not */ record goodOne {\n  \
                    /* a */ bad_field: string, /* b */ fine: u8,\n}\n/// docComment\n";
        let names = names_that_are_not_kebab_case(text);
        assert_eq!(
            names,
            [(3, "goodOne".to_owned()), (4, "bad_field".to_owned())]
        );
        let contract = test_components::TEXT_PROCESSOR;
        assert_eq!(names_that_are_not_kebab_case(contract), []);
    }
}
