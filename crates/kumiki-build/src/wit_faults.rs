//! Finds mistakes in a project's WIT, with file, line and column, and their fixes.

use std::error::Error as StdError;
use std::fs;
use std::path::{Path, PathBuf};

use wit_parser::{ParseError, Resolve, ResolveError};

use crate::error::Error;
use crate::reading::read_text;

/// The error for WIT at `wit` that `resolve` could not parse: the first invalid
/// name, which explains more than the parser's own message, or that message with
/// its place.
pub(crate) fn fault(wit: &Path, resolve: &Resolve, error: &(dyn StdError + 'static)) -> Error {
    let is_mistake = |fault: &Error| matches!(fault, Error::WitMistake { .. });
    if let Some(name) = invalid_names(wit).into_iter().find(is_mistake) {
        return name;
    }
    let layers = layers(error);
    let found = layers.iter().find_map(|layer| {
        let parsed = layer.downcast_ref::<ParseError>();
        let parsed = parsed.map(|error| (error.kind().span(), error.to_string()));
        let resolved = layer.downcast_ref::<ResolveError>();
        parsed.or_else(|| resolved.map(|error| (error.kind().span(), error.to_string())))
    });
    match found {
        Some((span, message)) if span.is_known() => Error::WitMistake {
            place: resolve.source_map.render_location(span),
            hint: hint(&message),
            message,
        },
        _ => Error::Wit {
            path: wit.to_owned(),
            message: layers
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(": "),
        },
    }
}

/// The error and its causes.
fn layers<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut layers = vec![error];
    while let Some(cause) = layers[layers.len() - 1].source() {
        layers.push(cause);
    }
    layers
}

/// What to do about a message of the parser.
fn hint(message: &str) -> String {
    let keyword = message.split_once("found keyword `");
    let keyword = keyword.and_then(|(_, rest)| rest.split_once('`'));
    match keyword {
        _ if message.starts_with("expected ';'") => {
            "add the `;` that is missing before this place".to_owned()
        }
        Some((keyword, _)) if message.starts_with("expected an identifier") => {
            format!("to use the keyword as a name, write `%{keyword}`")
        }
        _ => "correct the WIT at this place".to_owned(),
    }
}

/// The errors for names that WIT does not allow, and for files that cannot be
/// read.
pub(crate) fn invalid_names(wit: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for file in wit_files(wit) {
        match read_text(&file) {
            Err(error) => errors.push(error),
            Ok(text) => errors.extend(names_that_are_not_kebab_case(&text).into_iter().map(
                |(line, column, name)| Error::WitMistake {
                    place: format!("{}:{line}:{column}", file.display()),
                    message: format!("`{name}` is not a valid name in WIT"),
                    hint: format!("write `{}`", kebab_case(&name)),
                },
            )),
        }
    }
    errors
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

/// Finds names with mixed case or underscores, with their lines and columns from 1.
/// Comments are skipped.
fn names_that_are_not_kebab_case(text: &str) -> Vec<(usize, usize, String)> {
    let mut names = Vec::new();
    let mut in_block = false;
    for (index, line) in text.lines().enumerate() {
        for word in words(line, &mut in_block) {
            if !is_kebab_case(word) {
                let before = word.as_ptr().addr() - line.as_ptr().addr();
                let column = 1 + line[..before].chars().count();
                names.push((index + 1, column, word.to_owned()));
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
            [
                (3, 22, "goodOne".to_owned()),
                (4, 11, "bad_field".to_owned())
            ]
        );
        let contract = include_str!("../../../wit/text-processor/world.wit");
        assert_eq!(names_that_are_not_kebab_case(contract), []);
    }
}
