//! Truncation of untrusted text in errors. Invisible characters and terminal control
//! characters are escaped.
//!
//! A guest controls the names of its functions, modules, imports and types, and libraries
//! quote them in their messages. Each failing record has its own error, so a name of
//! 100 KB would be written once for each record.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::text::is_invisible;

/// The maximum length of a name in an error, in bytes.
pub(crate) const NAME: usize = 200;
/// The maximum length of a type in an error, in bytes.
pub(crate) const TYPE: usize = 3000;
/// The maximum length of a message that quotes a guest, including its causes, in bytes.
const MESSAGE: usize = 2000;
/// The maximum length of a backtrace, in bytes. With the message and the names of plugin
/// and function, the whole text of an error stays within 16 KiB.
pub(crate) const BACKTRACE: usize = 10 << 10;

/// Returns the beginning of a text, at most `most` bytes, with invisible characters
/// escaped; `…` follows if the text was truncated.
///
/// ```
/// use kumiki::excerpt;
///
/// assert_eq!(excerpt("pay\u{200b}pal", 100), "pay\\u{200b}pal");
/// assert_eq!(excerpt("a long text", 7), "a long …");
/// ```
#[must_use]
pub fn excerpt(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most && !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut excerpt = String::new();
    let mut left = most;
    for c in text.chars() {
        let escaped = is_invisible(c).then(|| c.escape_default());
        let length = escaped
            .as_ref()
            .map_or(c.len_utf8(), ExactSizeIterator::len);
        if length > left {
            excerpt.push('…');
            break;
        }
        left -= length;
        match escaped {
            Some(escaped) => excerpt.extend(escaped),
            None => excerpt.push(c),
        }
    }
    Cow::Owned(excerpt)
}

/// Displays a value with at most `most` bytes; `…` follows if it was cut.
pub(crate) fn display(value: &dyn fmt::Display, most: usize) -> String {
    write(value, most).unwrap_or_else(|beginning| beginning + "…")
}

/// Displays a value whole, or returns `None` if it is longer than `most` bytes.
pub(crate) fn display_whole(value: &dyn fmt::Display, most: usize) -> Option<String> {
    write(value, most).ok()
}

/// Displays a value, or returns its beginning of at most `most` bytes.
fn write(value: &dyn fmt::Display, most: usize) -> Result<String, String> {
    let mut bounded = Bounded {
        text: String::new(),
        most,
    };
    match write!(bounded, "{value}") {
        Ok(()) => Ok(bounded.text),
        Err(_) => Err(bounded.text),
    }
}

/// Fails as soon as it is full, which ends the display of a large value early.
struct Bounded {
    text: String,
    most: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = self.most - self.text.len();
        if text.len() <= left {
            self.text.push_str(text);
            return Ok(());
        }
        self.text.push_str(&text[..text.floor_char_boundary(left)]);
        Err(fmt::Error)
    }
}

/// Sanitizes a name from a guest.
pub(crate) fn name(text: &str) -> Cow<'_, str> {
    excerpt(text, NAME)
}

/// Sanitizes a message that may quote a guest, and puts it on one line.
pub(crate) fn message(text: &str) -> String {
    excerpt(&text.replace('\n', ": "), MESSAGE).into_owned()
}

/// Sanitizes the messages of a wasmtime error and its causes. Usually they need no change,
/// and the same error is returned.
pub(crate) fn source(error: wasmtime::Error) -> wasmtime::Error {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    let bytes: usize = causes.iter().map(String::len).sum();
    if bytes <= MESSAGE && !causes.iter().any(|cause| cause.contains(is_invisible)) {
        return error;
    }
    let mut left = MESSAGE;
    let bounded = causes.iter().map_while(|cause| {
        let cause = excerpt(cause, left).into_owned();
        left = left.saturating_sub(cause.len());
        (!cause.is_empty()).then_some(cause)
    });
    let bounded: Vec<String> = bounded.collect();
    let mut innermost_first = bounded.into_iter().rev();
    let root = wasmtime::Error::msg(innermost_first.next().unwrap_or_default());
    innermost_first.fold(root, wasmtime::Error::context)
}

/// Text of several lines with a maximum length.
pub(crate) struct Lines {
    text: String,
    most: usize,
}

impl Lines {
    /// Creates an empty text of at most `most` bytes.
    pub(crate) fn within(most: usize) -> Self {
        let text = String::new();
        Self { text, most }
    }

    /// Adds a line if it fits; returns whether it did.
    pub(crate) fn push(&mut self, line: fmt::Arguments<'_>) -> bool {
        let before = self.text.len();
        if before > 0 {
            self.text.push('\n');
        }
        let written = self.text.write_fmt(line);
        let fits = written.is_ok() && self.text.len() <= self.most;
        if !fits {
            self.text.truncate(before);
        }
        fits
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpt_truncates_and_escapes() {
        let long = "木".repeat(1000);
        for (text, most, expected) in [
            ("", 0, ""),
            ("plain", 5, "plain"),
            ("木木木", 9, "木木木"),
            ("木木木", 8, "木木…"),
            ("plain", 0, "…"),
            ("\x1b[2J", 20, "\\u{1b}[2J"),
            ("a\u{202e}b", 9, "a\\u{202e}…"),
            ("a\u{202e}b", 8, "a…"),
            (&*long, 9, "木木木…"),
        ] {
            assert_eq!(excerpt(text, most), expected, "{text:?} {most}");
        }
    }

    #[test]
    fn message_is_one_truncated_line() {
        assert_eq!(message("a\nb\tc"), "a: b\\tc");
        let text = message(&"\u{1}".repeat(1 << 20));
        assert!(text.len() <= MESSAGE + '…'.len_utf8(), "{}", text.len());
        let text = message(&"😀".repeat(1 << 20));
        assert!(text.len() <= MESSAGE + '…'.len_utf8(), "{}", text.len());
    }

    #[test]
    fn causes_are_truncated_together() {
        let short = wasmtime::Error::msg("root").context("above");
        assert_eq!(format!("{:#}", source(short)), "above: root");
        let long = |text: &str| text.repeat(10_000);
        for (error, start) in [
            (
                wasmtime::Error::msg(long("r")).context("above"),
                "above: rrr",
            ),
            (
                wasmtime::Error::msg("root").context(long("a")).context("b"),
                "b: aaa",
            ),
            (wasmtime::Error::msg("\x1b"), "\\u{1b}"),
        ] {
            let text = format!("{:#}", source(error));
            assert!(text.starts_with(start), "{text}");
            assert!(text.len() < MESSAGE + 20, "{}", text.len());
        }
    }

    #[test]
    fn lines_that_do_not_fit_are_omitted() {
        let mut lines = Lines::within(5);
        assert!(lines.push(format_args!("ab")));
        assert!(!lines.push(format_args!("cde")));
        assert!(lines.push(format_args!("cd")));
        assert!(!lines.push(format_args!("")));
        assert_eq!(lines.into_text(), "ab\ncd");
    }
}
