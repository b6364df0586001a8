//! The standard output side: results, written as text, JSON lines or raw.
//! The run emits, a writer renders: one file each.

mod bounded;
pub(crate) mod json;
mod jsonl;
mod raw;
mod text;

use std::fmt;
use std::io;

use kumiki_text::{Outcome, Texts};

use crate::arguments::Format;

pub(crate) use bounded::Bounded;

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// Counted from 1 over all input.
    pub(crate) record: u64,
    /// File and line; none for `--text`.
    pub(crate) line: Option<(&'a str, u64)>,
}

/// Writes what comes of each record. Errors that the format has no place for
/// are the caller's to show. What does not fit is an error.
pub(crate) trait ResultWriter {
    /// A new record begins. Called once for each, before its results.
    fn begin(&mut self, out: &mut Bounded, place: Place<'_>) -> io::Result<()> {
        let _ = (out, place);
        Ok(())
    }

    /// What came of a record in one plugin. Whether an error was written.
    fn result(
        &mut self,
        out: &mut Bounded,
        place: Place<'_>,
        outcome: &Outcome<'_>,
    ) -> io::Result<bool>;

    /// The outputs of records in a row, of which none failed and only one plugin
    /// was asked: as [`ResultWriter::result`] writes them one by one. False where
    /// the format says more of a record than that, or they do not all fit, and
    /// nothing is written.
    fn outputs(&mut self, out: &mut Bounded, outputs: &Texts) -> bool {
        let _ = (out, outputs);
        false
    }

    /// A line that gave no record. Whether it was written.
    fn unread(
        &mut self,
        out: &mut Bounded,
        place: Place<'_>,
        error: &dyn fmt::Display,
    ) -> io::Result<bool> {
        let _ = (out, place, error);
        Ok(false)
    }
}

/// The writer for a format; `terminal` is whether a person watches, `coloured`
/// whether in colours. What goes elsewhere is written byte for byte.
pub(crate) fn writer(
    format: Format,
    terminal: bool,
    coloured: bool,
) -> Box<dyn ResultWriter + Send> {
    match format {
        Format::Text => Box::new(text::Text::new(terminal, coloured)),
        Format::Jsonl => Box::new(jsonl::JsonLines),
        Format::Raw => Box::new(raw::Raw { terminal }),
    }
}

#[cfg(test)]
mod tests {
    use kumiki_text::{Config, Pipeline, TextHost, TextPlugin};

    use super::*;

    /// Colours, clears the screen, writes to the clipboard, rings, goes back to
    /// the line's beginning, turns the text around; by 7 bits and by 8.
    const DECEIT: &str = "\x1b[31m\x1b[2J\x1b]52;c;YQ==\x07\rok\u{9b}2J\u{202e}\u{200f}\u{61c}";

    /// A plugin that deceives wherever it can: its name, its output, and the
    /// key and value of its metadata.
    fn deceiver() -> TextPlugin {
        let text = |at: u32| {
            let (length, behind) = (DECEIT.len(), at + 4);
            format!(
                "(i32.store (i32.const {at}) (i32.const 300))
                 (i32.store (i32.const {behind}) (i32.const {length}))"
            )
        };
        let (output, key, value) = (text(20), text(256), text(264));
        let component = test_components::TextPlugin::new("x")
            .data(300, DECEIT)
            .process(&format!(
                "{output} {key} {value}
                 (i32.store8 (i32.const 16) (i32.const 0))
                 (i32.store (i32.const 28) (i32.const 256))
                 (i32.store (i32.const 32) (i32.const 1))
                 (i32.const 16)"
            ))
            .build();
        let host = TextHost::new().unwrap();
        let plugin = host.load_bytes("deceiver", &component).unwrap();
        let mut plugin = TextPlugin::new(plugin, Config::default()).unwrap();
        // A plugin cannot call itself so; a file in its path can be called so.
        plugin.rename(DECEIT);
        plugin
    }

    /// A plugin that gives back what it gets.
    fn echo() -> TextPlugin {
        let component = test_components::TextPlugin::new("echo").build();
        let host = TextHost::new().unwrap();
        let plugin = host.load_bytes("echo", &component).unwrap();
        TextPlugin::new(plugin, Config::default()).unwrap()
    }

    /// What a format makes of what a plugin makes of a text.
    fn written_by(plugin: TextPlugin, text: &str, format: Format, terminal: bool) -> String {
        let place = Place {
            record: 1,
            line: Some(("file", 1)),
        };
        let (mut out, mut writer) = (Bounded::new(usize::MAX), writer(format, terminal, false));
        writer.begin(&mut out, place).unwrap();
        let result = Pipeline::each(vec![plugin]).process(text, |outcome| {
            writer.result(&mut out, place, &outcome).map(|_| ())
        });
        result.unwrap();
        String::from_utf8(out.bytes).unwrap()
    }

    /// What a format makes of it.
    fn written(format: Format, terminal: bool, coloured: bool) -> String {
        let place = Place {
            record: 1,
            line: Some((DECEIT, 1)),
        };
        let (mut out, mut writer) = (Bounded::new(usize::MAX), writer(format, terminal, coloured));
        writer.begin(&mut out, place).unwrap();
        let mut pipeline = Pipeline::each(vec![deceiver()]);
        let result = pipeline.process("text", |outcome| {
            writer.result(&mut out, place, &outcome).map(|_| ())
        });
        result.unwrap();
        String::from_utf8(out.bytes).unwrap()
    }

    #[test]
    fn a_terminal_gets_nothing_to_obey() {
        for format in [Format::Text, Format::Jsonl, Format::Raw] {
            let text = written(format, true, false);
            let bad = |c: char| kumiki::is_invisible(c) && c != '\n';
            assert!(!text.contains(bad), "{format:?}: {text:?}");
            assert!(text.contains("52;c;YQ=="), "{format:?}: {text:?}");
        }
    }

    /// On a terminal, no line of a result begins like a line of Kumiki's.
    #[test]
    fn a_result_forges_no_heading() {
        let text = "one\n[other] Output: two\n  key: three\nin.txt:2";
        let text = written_by(echo(), text, Format::Text, true);
        let lines: Vec<&str> = text.lines().collect();
        let expected = [
            "file:1",
            "[echo] Output: one",
            "    [other] Output: two",
            "      key: three",
            "    in.txt:2",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_pipe_gets_results_byte_for_byte() {
        assert_eq!(written(Format::Raw, false, false), format!("{DECEIT}\n"));
        for coloured in [false, true] {
            let text = written(Format::Text, false, coloured);
            assert!(text.contains(&format!("Output: {DECEIT}\n")), "{text:?}");
            assert!(text.ends_with(&format!(": {DECEIT}\n")), "{text:?}");
        }
        let line = written(Format::Jsonl, false, false);
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["output"], DECEIT);
        assert_eq!(line["metadata"][DECEIT], DECEIT);
        assert_eq!(line["plugin"], DECEIT);
    }

    #[test]
    fn colours_are_left_out_where_they_are_not_wanted() {
        let begins = |coloured| written(Format::Text, false, coloured).starts_with('\x1b');
        assert!(begins(true));
        assert!(!begins(false));
    }
}
