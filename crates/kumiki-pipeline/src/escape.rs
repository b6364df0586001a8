//! Escapes text and JSON so that a terminal does not interpret control sequences.
//!
//! Text from a plugin or a file may hold control sequences and invisible
//! characters. See [`kumiki::is_invisible`] for which characters these are.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use kumiki::is_invisible;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// `text` with its invisible characters escaped: `\u{1b}` instead of an
/// escape character, `\n` instead of a line end.
///
/// ```
/// assert_eq!(kumiki_pipeline::escape("\x1b[31mred\n"), "\\u{1b}[31mred\\n");
/// ```
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    kumiki::spell_out(text, |_| false)
}

/// [`escape`] for text of several lines: line ends and tabs stay.
#[must_use]
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    kumiki::spell_out(text, |c| matches!(c, '\n' | '\t'))
}

/// Writes a value as JSON in one line, without a line end. Invisible characters
/// are written as `\uXXXX`.
pub(crate) fn write_json(out: &mut impl io::Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, SpelledOut);
    Ok(value.serialize(&mut serializer)?)
}

/// Compact JSON with invisible characters as `\uXXXX`.
struct SpelledOut;

impl Formatter for SpelledOut {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        mut fragment: &str,
    ) -> io::Result<()> {
        // The serializer itself escapes what is below a space.
        if fragment.is_ascii() && !fragment.as_bytes().contains(&0x7f) {
            return out.write_all(fragment.as_bytes());
        }
        while let Some(at) = fragment.find(is_invisible) {
            let (plain, rest) = fragment.split_at(at);
            out.write_all(plain.as_bytes())?;
            let mut rest = rest.chars();
            for unit in rest.next().into_iter().flat_map(units) {
                write!(out, "\\u{unit:04x}")?;
            }
            fragment = rest.as_str();
        }
        out.write_all(fragment.as_bytes())
    }
}

fn units(c: char) -> impl Iterator<Item = u16> {
    let mut units = [0; 2];
    let length = c.encode_utf16(&mut units).len();
    units.into_iter().take(length)
}

/// A value as indented JSON, with invisible characters as `\uXXXX`.
///
/// # Errors
/// Errors of the value's `Serialize`.
pub fn pretty_json(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(escape_json)
}

/// The same JSON with invisible characters as `\uXXXX`. Such characters occur in
/// JSON only inside of strings, where both forms mean the same; JSON itself
/// escapes the ones that it forbids there.
pub(crate) fn escape_json(json: String) -> String {
    let bad = |c: char| is_invisible(c) && c != '\n';
    if !json.contains(bad) {
        return json;
    }
    let mut text = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if bad(c) {
            for unit in units(c) {
                // Writing into a `String` never fails.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn line(value: &impl Serialize) -> serde_json::Result<String> {
        let mut out = Vec::new();
        write_json(&mut out, value).map_err(serde_json::Error::io)?;
        Ok(String::from_utf8(out).unwrap())
    }

    /// Texts in which about every other character is invisible.
    fn text() -> impl Strategy<Value = String> {
        let bad = prop::char::ranges(Cow::Borrowed(&[
            '\0'..='\x1f',
            '\x7f'..='\u{9f}',
            '\u{61c}'..='\u{61c}',
            '\u{200e}'..='\u{200f}',
            '\u{202a}'..='\u{202e}',
            '\u{2066}'..='\u{2069}',
            '\u{200b}'..='\u{200d}',
            '\u{2028}'..='\u{2029}',
            '\u{fe00}'..='\u{fe0f}',
            '\u{e0000}'..='\u{e007f}',
        ]));
        let any = prop_oneof![bad, any::<char>(), Just('\\'), Just('"')];
        prop::collection::vec(any, 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn json_keeps_the_value_and_shows_every_character(key in text(), texts in prop::collection::vec(text(), 0..4)) {
            let value = json!({ key: texts, "none": null, "number": 1.5 });
            for json in [line(&value).unwrap(), pretty_json(&value).unwrap()] {
                prop_assert!(!json.contains(|c| is_invisible(c) && c != '\n'), "{:?}", json);
                let read: Value = serde_json::from_str(&json).unwrap();
                prop_assert_eq!(&read, &value);
            }
            prop_assert!(!line(&value).unwrap().contains('\n'));
        }
    }

    #[test]
    fn invisible_characters_in_json_are_escaped() {
        for (text, json) in [
            ("plain, 木, 😀", r#""plain, 木, 😀""#),
            ("\x1b]52;c;YQ==\x07", r#""\u001b]52;c;YQ==\u0007""#),
            ("\x7f\u{9b}2J", r#""\u007f\u009b2J""#),
            ("abc\u{202e}fed", r#""abc\u202efed""#),
            ("a\u{200b}b\u{e0041}", r#""a\u200bb\udb40\udc41""#),
        ] {
            assert_eq!(line(&text).unwrap(), json);
        }
    }

    #[test]
    fn invisible_characters_in_text_are_escaped() {
        for (text, escaped) in [
            ("plain, 木, 😀", "plain, 木, 😀"),
            ("\x1b[31mred", "\\u{1b}[31mred"),
            ("two\nlines", "two\\nlines"),
            ("bell\x07 nul\0", "bell\\u{7} nul\\u{0}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("abc\u{202e}fed", "abc\\u{202e}fed"),
            ("abc\u{200f}fed\u{61c}", "abc\\u{200f}fed\\u{61c}"),
            (
                "a\u{200b}b\u{e0041}\u{2028}",
                "a\\u{200b}b\\u{e0041}\\u{2028}",
            ),
        ] {
            assert_eq!(escape(text), escaped);
        }
        assert_eq!(escape_lines("a\n\tb\x1b"), "a\n\tb\\u{1b}");
    }
}
