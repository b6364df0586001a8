//! Text that a guest has chosen, on its way into an error: bounded in length,
//! and without characters that a terminal obeys or shows nothing for.
//!
//! A guest chooses the names of its functions, modules, imports and types, and
//! libraries quote them in their messages. A failing record makes an error of its
//! own, so a name of 100 KB is written as often as there are records.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::text::is_invisible;

/// Bytes of one name within an error.
pub(crate) const NAME: usize = 200;
/// Bytes of a type within an error.
pub(crate) const TYPE: usize = 3000;
/// Bytes of a message that quotes a guest, its causes included.
const MESSAGE: usize = 2000;
/// Bytes of a backtrace. With the message and the names of plugin and function
/// the whole text of an error stays within 16 KiB.
pub(crate) const BACKTRACE: usize = 10 << 10;

/// The beginning of a text, at most `most` bytes, with invisible characters
/// spelled out and `…` in the place of the rest.
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
    let mut cut = String::new();
    let mut left = most;
    for c in text.chars() {
        let spelled = is_invisible(c).then(|| c.escape_default());
        let length = spelled
            .as_ref()
            .map_or(c.len_utf8(), ExactSizeIterator::len);
        if length > left {
            cut.push('…');
            break;
        }
        left -= length;
        match spelled {
            Some(spelled) => cut.extend(spelled),
            None => cut.push(c),
        }
    }
    Cow::Owned(cut)
}

/// A name that a guest has chosen.
pub(crate) fn name(text: &str) -> Cow<'_, str> {
    excerpt(text, NAME)
}

/// A message that may quote a guest, on one line.
pub(crate) fn message(text: &str) -> String {
    excerpt(&text.replace('\n', ": "), MESSAGE).into_owned()
}

/// An error of wasmtime with its causes bounded; the same error where they are
/// already, which is nearly always.
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

/// Lines that together stay within a number of bytes.
pub(crate) struct Lines {
    text: String,
    most: usize,
}

impl Lines {
    pub(crate) fn within(most: usize) -> Self {
        let text = String::new();
        Self { text, most }
    }

    /// Adds a line if there is room for it.
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
    fn text_is_cut_and_spelled_out() {
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
    fn a_message_is_one_bounded_line() {
        assert_eq!(message("a\nb\tc"), "a: b\\tc");
        let text = message(&"\u{1}".repeat(1 << 20));
        assert!(text.len() <= MESSAGE + '…'.len_utf8(), "{}", text.len());
        let text = message(&"😀".repeat(1 << 20));
        assert!(text.len() <= MESSAGE + '…'.len_utf8(), "{}", text.len());
    }

    #[test]
    fn causes_are_bounded_together() {
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
    fn lines_beyond_the_bound_are_left_out() {
        let mut lines = Lines::within(5);
        assert!(lines.push(format_args!("ab")));
        assert!(!lines.push(format_args!("cde")));
        assert!(lines.push(format_args!("cd")));
        assert!(!lines.push(format_args!("")));
        assert_eq!(lines.into_text(), "ab\ncd");
    }
}
