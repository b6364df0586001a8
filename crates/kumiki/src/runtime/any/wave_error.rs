//! Messages for text that is not a call in WAVE.

use wasmtime::component::wasm_wave::parser::{ParserError, ParserErrorKind};

use crate::text::excerpt;

/// The maximum length of the quoted part of a call in bytes.
const QUOTE: usize = 60;

const QUOTES: &str = "text is written in double quotes";

/// Explains what is wrong with `call`, the text that was parsed.
pub(super) fn explain(call: &str, error: &ParserError) -> String {
    let span = error.span();
    let place = format!("at character {}", characters(call, span.start) + 1);
    let quoted = call.get(span).unwrap_or_default();
    let quote = excerpt(quoted, QUOTE);
    match error.kind() {
        ParserErrorKind::InvalidToken | ParserErrorKind::UnexpectedToken => {
            let advice = advice(call, quoted).map_or_else(String::new, |text| format!("; {text}"));
            format!("unexpected `{quote}` {place}{advice}")
        }
        ParserErrorKind::InvalidType | ParserErrorKind::InvalidValue
            if error.detail().is_none() =>
        {
            let is_word = quoted.starts_with(char::is_alphabetic);
            let advice = if is_word {
                format!("; {QUOTES}")
            } else {
                String::new()
            };
            format!("`{quote}` {place} does not fit the type of the parameter{advice}")
        }
        ParserErrorKind::UnexpectedEnd => "the call is incomplete".to_owned(),
        kind => match error.detail() {
            Some(detail) => format!("{kind} {place}: {}", excerpt(detail, QUOTE)),
            None => format!("{kind} {place}: `{quote}`"),
        },
    }
}

fn characters(text: &str, bytes: usize) -> usize {
    text.get(..bytes).map_or(bytes, |text| text.chars().count())
}

/// Returns what is usually meant by text that is not WAVE.
fn advice(call: &str, quoted: &str) -> Option<&'static str> {
    let name = call.split('(').next().unwrap_or_default();
    if quoted.starts_with('\'') {
        return Some(QUOTES);
    }
    if name.contains('_') {
        return Some("names in WIT have `-` instead of `_`");
    }
    let is_capital = |c: char| c.is_ascii_uppercase();
    name.contains(is_capital)
        .then_some("names in WIT have no capital letters")
}
