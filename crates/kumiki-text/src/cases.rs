//! Test cases written by a plugin's author: inputs and their expected results, in
//! a file with one JSON object per line:
//!
//! ```json
//! {"input": " a  b ", "output": "a b", "metadata": {"words": "2"}}
//! {"input": "", "error": "invalid-input"}
//! {"input": "a", "output": "A", "config": {"case": "upper"}}
//! ```
//!
//! `metadata` is compared if present, in any order. `config` holds the values that
//! the plugin's `get-config` returns. Blank lines are ignored.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

use kumiki::{Plugin, excerpt};
use serde::Deserialize;

use crate::conformance::Finding;
use crate::contract::{ErrorName, ProcessError, ProcessResult};
use crate::{Config, Error, TextContract};

/// Maximum length of a line in bytes, the same as that of a record.
const LINE_LIMIT: usize = 128 << 20;
/// Maximum characters of a text in a finding.
const MAX_SHOWN: usize = 60;
/// Maximum bytes of a result's metadata in a finding.
const MAX_METADATA: usize = 500;

/// One test case, identified by its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    line: u64,
    input: String,
    config: Config,
    expected: Expected,
}

/// The expected result.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    Output {
        output: String,
        metadata: Option<BTreeMap<String, String>>,
    },
    Error(ProcessError),
}

/// The JSON form of a case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonCase {
    input: String,
    output: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    error: Option<JsonError>,
    #[serde(default)]
    config: BTreeMap<String, String>,
}

/// The contract's errors, spelled as in the WIT.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum JsonError {
    InvalidInput,
    UnsupportedFormat,
    InternalError,
}

/// A file of test cases could not be read or is invalid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CasesError {
    /// A line could not be read.
    #[error("cannot read line {line}")]
    Read {
        /// The number of the line, from 1.
        line: u64,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A line is not UTF-8.
    #[error("line {line} is not UTF-8: {} at byte {column}", describe(*.truncated))]
    NotUtf8 {
        /// The number of the line, from 1.
        line: u64,
        /// The position of the first invalid byte in the line, from 1.
        column: usize,
        /// Whether the line ends in the middle of a character.
        truncated: bool,
    },
    /// A line is longer than 128 MiB.
    #[error("line {line} is longer than {LINE_LIMIT} bytes")]
    TooLong {
        /// The number of the line, from 1.
        line: u64,
    },
    /// A line is not a valid case.
    #[error("line {line}: {message}")]
    Faulty {
        /// The line's number, from 1.
        line: u64,
        /// What is wrong with it.
        message: String,
    },
    /// The file has no cases.
    #[error("the file has no cases")]
    Empty,
}

impl CasesError {
    /// Returns how to fix it, as one line without the word `hint:`.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } | Self::NotUtf8 { .. } | Self::TooLong { .. } => {
                "write the cases as UTF-8 text with one JSON object per line"
            }
            Self::Faulty { .. } | Self::Empty => {
                r#"write each case on a line such as {"input": " a  b ", "output": "a b", "metadata": {"words": "2"}} or {"input": "", "error": "invalid-input"}; `metadata` and "config": {"key": "value"} are optional"#
            }
        }
    }

    /// Returns the number of the line, from 1; `None` for an error of the whole file.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Read { line, .. }
            | Self::NotUtf8 { line, .. }
            | Self::TooLong { line }
            | Self::Faulty { line, .. } => Some(*line),
            Self::Empty => None,
        }
    }
}

/// Reads all cases. Fails if any of them is invalid.
///
/// # Errors
/// [`CasesError`] for the first invalid line.
///
/// ```
/// use kumiki_text::{TextHost, cases};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let bytes = test_components::TextPlugin::new("echo").build();
/// let plugin = TextHost::new()?.load_bytes("echo.wasm", &bytes)?;
/// let cases = cases::read(&br#"{"input": "a", "output": "a"}"#[..])?;
/// cases::check(&plugin, &cases, |finding| assert!(finding.outcome.is_ok(), "{finding:?}"));
/// # Ok(())
/// # }
/// ```
pub fn read(reader: impl Read) -> Result<Vec<Case>, CasesError> {
    let (mut reader, mut bytes) = (BufReader::new(reader), Vec::new());
    let mut cases = Vec::new();
    for line in 1.. {
        let Some(text) = read_line(&mut reader, &mut bytes, line)? else {
            break;
        };
        if !text.trim().is_empty() {
            let case = Case::parse(line, text);
            cases.push(case.map_err(|message| CasesError::Faulty { line, message })?);
        }
    }
    if cases.is_empty() {
        return Err(CasesError::Empty);
    }
    Ok(cases)
}

/// Reads the next line into `bytes`: at most [`LINE_LIMIT`] bytes and the line end.
/// Returns `None` at the end of the file.
fn read_line<'a>(
    reader: &mut impl BufRead,
    bytes: &'a mut Vec<u8>,
    line: u64,
) -> Result<Option<&'a str>, CasesError> {
    bytes.clear();
    // A line end and a byte order mark do not count.
    let limit = LINE_LIMIT as u64 + 5;
    let read = reader.by_ref().take(limit).read_until(b'\n', bytes);
    if read.map_err(|source| CasesError::Read { line, source })? == 0 {
        return Ok(None);
    }
    let mut text = &bytes[..];
    if let Some(rest) = text.strip_suffix(b"\n") {
        text = rest.strip_suffix(b"\r").unwrap_or(rest);
    }
    if line == 1 {
        text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    }
    if text.len() > LINE_LIMIT {
        return Err(CasesError::TooLong { line });
    }
    let text = std::str::from_utf8(text).map_err(|error| CasesError::NotUtf8 {
        line,
        column: error.valid_up_to() + 1,
        truncated: error.error_len().is_none(),
    })?;
    Ok(Some(text))
}

fn describe(truncated: bool) -> &'static str {
    if truncated {
        "incomplete character"
    } else {
        "invalid byte sequence"
    }
}

/// Runs each case on its own instance of `plugin`, and passes each finding to
/// `sink` as soon as it is available.
pub fn check(plugin: &Plugin<TextContract>, cases: &[Case], mut sink: impl FnMut(Finding)) {
    for case in cases {
        let name = format!("case {}", case.line);
        sink(Finding::of(
            name.into(),
            plugin,
            case.config.clone(),
            |plugin| case.compare(&plugin.process(&case.input)),
        ));
    }
}

impl Case {
    /// Returns the number of its line, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the input.
    #[must_use]
    pub fn input(&self) -> &str {
        &self.input
    }

    /// Returns the values for the plugin's `get-config`.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Compares the answer of a plugin with the expected one. Returns what was
    /// expected if they are the same, and otherwise both, as text.
    ///
    /// # Errors
    /// The difference, if there is one.
    pub fn compare(&self, answer: &Result<ProcessResult, Error>) -> Result<String, String> {
        let actual = match (&self.expected, answer) {
            (Expected::Output { output, metadata }, Ok(result)) => {
                if *output == result.output && metadata.as_ref().is_none_or(|m| same(m, result)) {
                    return Ok(show(output));
                }
                show_result(result, metadata.is_some())
            }
            (Expected::Error(_), Ok(result)) => show_result(result, false),
            (Expected::Error(expected), Err(Error::Plugin { error, .. })) if expected == error => {
                return Ok(ErrorName(*error).to_string());
            }
            (_, Err(Error::Plugin { error, .. })) => ErrorName(*error).to_string(),
            (_, Err(error)) => error.to_string(),
        };
        Err(format!("expected {}, got {actual}", self.expected()))
    }

    fn parse(line: u64, text: &str) -> Result<Self, String> {
        let json: JsonCase = serde_json::from_str(text).map_err(|error| {
            // Drop serde's position: its line number is relative to this line.
            let place = format!(" at line {} column {}", error.line(), error.column());
            let message = error.to_string();
            let message = message.strip_suffix(&place).unwrap_or(&message);
            format!("{message} (column {})", error.column())
        })?;
        let JsonCase {
            input,
            output,
            metadata,
            error,
            config,
        } = json;
        let expected = match (output, error) {
            (Some(output), None) => Expected::Output { output, metadata },
            (None, Some(_)) if metadata.is_some() => {
                return Err("`metadata` is not allowed with `error`".into());
            }
            (None, Some(error)) => Expected::Error(error.into()),
            (Some(_), Some(_)) => return Err("it has both `output` and `error`".into()),
            (None, None) => return Err("it has neither `output` nor `error`".into()),
        };
        Ok(Self {
            line,
            input,
            config: config.into_iter().collect(),
            expected,
        })
    }

    fn expected(&self) -> String {
        match &self.expected {
            Expected::Output {
                output,
                metadata: None,
            } => show(output),
            Expected::Output {
                output,
                metadata: Some(metadata),
            } => show_with(
                output,
                metadata.iter().map(|(key, value)| (&**key, &**value)),
            ),
            Expected::Error(error) => ErrorName(*error).to_string(),
        }
    }
}

impl From<JsonError> for ProcessError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::InvalidInput => Self::InvalidInput,
            JsonError::UnsupportedFormat => Self::UnsupportedFormat,
            JsonError::InternalError => Self::InternalError,
        }
    }
}

/// Whether a result has exactly this metadata. A duplicate key makes them differ.
fn same(metadata: &BTreeMap<String, String>, result: &ProcessResult) -> bool {
    let found = &result.metadata;
    found.len() == metadata.len()
        && metadata.iter().all(|(key, value)| {
            found
                .iter()
                .any(|entry| entry.key == *key && entry.value == *value)
        })
}

/// Formats a result, with its metadata if that is compared.
fn show_result(result: &ProcessResult, with_metadata: bool) -> String {
    if !with_metadata {
        return show(&result.output);
    }
    let entries = result.metadata.iter();
    show_with(
        &result.output,
        entries.map(|entry| (&*entry.key, &*entry.value)),
    )
}

fn show_with<'a>(output: &str, metadata: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let shown = |text| excerpt(text, MAX_SHOWN);
    let entries: Vec<_> = metadata
        .take(MAX_METADATA)
        .map(|(key, value)| format!("{}={}", shown(key), shown(value)))
        .collect();
    let entries = if entries.is_empty() {
        "no metadata".to_owned()
    } else {
        excerpt(&entries.join(" "), MAX_METADATA).into_owned()
    };
    format!("{} with {entries}", show(output))
}

/// Quotes a text and truncates it if it is long.
fn show(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("`{}…` ({} bytes)", &text[..end], text.len()),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_error(text: &str) -> String {
        read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn read_errors_name_their_line() {
        for (text, expected) in [
            ("", "the file has no cases"),
            ("\n \n", "the file has no cases"),
            ("\n{}", "line 2: missing field `input` (column 2)"),
            (
                r#"{"input": "a"}"#,
                "line 1: it has neither `output` nor `error`",
            ),
            (
                r#"{"input": "a", "output": "a", "error": "invalid-input"}"#,
                "line 1: it has both `output` and `error`",
            ),
            (
                r#"{"input": "a", "error": "invalid-input", "metadata": {}}"#,
                "line 1: `metadata` is not allowed with `error`",
            ),
            (
                r#"{"input": "a", "error": "trap"}"#,
                "line 1: unknown variant `trap`, expected one of `invalid-input`, \
                 `unsupported-format`, `internal-error` (column 30)",
            ),
            (
                r#"{"input": "a", "outptu": "a"}"#,
                "line 1: unknown field `outptu`, expected one of `input`, `output`, `metadata`, \
                 `error`, `config` (column 23)",
            ),
            (
                r#"{"input": "a", "output": "a", "metadata": {"words": 1}}"#,
                "line 1: invalid type: integer `1`, expected a string (column 53)",
            ),
            (
                r#"{"input": "a", "output": "a"} {}"#,
                "line 1: trailing characters (column 31)",
            ),
            (
                "{\"input\": \"a\",",
                "line 1: EOF while parsing a value (column 14)",
            ),
        ] {
            assert_eq!(read_error(text), expected, "{text}");
        }
        let error = read(&b"{\"input\": \"\xff\"}"[..]).unwrap_err();
        assert_eq!(error.line(), Some(1));
    }

    #[test]
    fn long_texts_are_truncated_at_a_character_boundary() {
        assert_eq!(show("short"), "`short`");
        let long = "木".repeat(61);
        assert_eq!(show(&long), format!("`{}…` (183 bytes)", "木".repeat(60)));
    }
}
