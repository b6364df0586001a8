//! The formats of inputs and outputs. A format that is read and written has a
//! `read` and a `write` module side by side.

pub(crate) mod bounded;
pub(crate) mod csv;
pub(crate) mod format;
pub(crate) mod jsonl;
pub(crate) mod lines;
pub(crate) mod parquet;
pub(crate) mod record_buffer;
pub(crate) mod record_source;
pub(crate) mod report;
pub(crate) mod rows;

use self::report::{RenderOptions, ReportFormat, ReportWriter};

/// The writer of reports in a format. Invisible characters and colours are written
/// as `options` says; elsewhere results are written byte for byte.
pub(crate) fn report_writer(
    format: ReportFormat,
    options: RenderOptions,
) -> Box<dyn ReportWriter + Send> {
    match format {
        ReportFormat::Text => Box::new(lines::write::Text::new(options)),
        ReportFormat::Jsonl => Box::new(jsonl::write::JsonLines),
        ReportFormat::Raw => Box::new(lines::write::Raw::new(options)),
    }
}

#[cfg(test)]
mod tests {
    use kumiki_text::{Config, Pipeline, TextHost, TextPlugin};

    use super::*;
    use crate::formats::bounded::BoundedBuffer;
    use crate::formats::report::RecordLocation;

    /// Sets a colour, clears the screen, writes to the clipboard, rings the bell,
    /// returns to the start of the line and reverses the text; in 7 and 8 bits.
    const DECEIT: &str = "\x1b[31m\x1b[2J\x1b]52;c;YQ==\x07\rok\u{9b}2J\u{202e}\u{200f}\u{61c}";

    /// A plugin that puts such text into its name, its output and its metadata.
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
        // A plugin's own name is checked; the path of its file is not.
        plugin.rename(DECEIT);
        plugin
    }

    /// A plugin that returns its input.
    fn echo() -> TextPlugin {
        let component = test_components::TextPlugin::new("echo").build();
        let host = TextHost::new().unwrap();
        let plugin = host.load_bytes("echo", &component).unwrap();
        TextPlugin::new(plugin, Config::default()).unwrap()
    }

    /// The result of a plugin for a text, as it is shown on a terminal.
    fn shown(plugin: TextPlugin, text: &str) -> String {
        let location = RecordLocation {
            record: 1,
            line: Some(("file", 1)),
        };
        let (mut out, mut writer) = (
            BoundedBuffer::new(usize::MAX),
            report_writer(ReportFormat::Text, RenderOptions::new(true, false)),
        );
        writer.begin(&mut out, location).unwrap();
        let result = Pipeline::each(vec![plugin]).process(text, |outcome| {
            writer.result(&mut out, location, &outcome).map(|_| ())
        });
        result.unwrap();
        String::from_utf8(out.bytes).unwrap()
    }

    /// On a terminal no line of a result begins like a line of Kumiki.
    #[test]
    fn result_cannot_forge_a_heading() {
        let text = "one\n[other] Output: two\n  key: three\nin.txt:2";
        let text = shown(echo(), text);
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

    /// The result of that plugin in a format.
    fn written(format: ReportFormat, is_terminal: bool, coloured: bool) -> String {
        let location = RecordLocation {
            record: 1,
            line: Some((DECEIT, 1)),
        };
        let (mut out, mut writer) = (
            BoundedBuffer::new(usize::MAX),
            report_writer(format, RenderOptions::new(is_terminal, coloured)),
        );
        writer.begin(&mut out, location).unwrap();
        let mut pipeline = Pipeline::each(vec![deceiver()]);
        let result = pipeline.process("text", |outcome| {
            writer.result(&mut out, location, &outcome).map(|_| ())
        });
        result.unwrap();
        String::from_utf8(out.bytes).unwrap()
    }

    #[test]
    fn terminal_output_has_no_control_characters() {
        for format in [ReportFormat::Text, ReportFormat::Jsonl, ReportFormat::Raw] {
            let text = written(format, true, false);
            let bad = |c: char| kumiki::is_invisible(c) && c != '\n';
            assert!(!text.contains(bad), "{format:?}: {text:?}");
            assert!(text.contains("52;c;YQ=="), "{format:?}: {text:?}");
        }
    }

    #[test]
    fn pipe_output_is_unchanged() {
        assert_eq!(
            written(ReportFormat::Raw, false, false),
            format!("{DECEIT}\n")
        );
        for coloured in [false, true] {
            let text = written(ReportFormat::Text, false, coloured);
            assert!(text.contains(&format!("Output: {DECEIT}\n")), "{text:?}");
            assert!(text.ends_with(&format!(": {DECEIT}\n")), "{text:?}");
        }
        let line = written(ReportFormat::Jsonl, false, false);
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["output"], DECEIT);
        assert_eq!(line["metadata"][DECEIT], DECEIT);
        assert_eq!(line["plugin"], DECEIT);
    }

    #[test]
    fn colours_are_written_only_on_request() {
        let begins = |coloured| written(ReportFormat::Text, false, coloured).starts_with('\x1b');
        assert!(begins(true));
        assert!(!begins(false));
    }
}
