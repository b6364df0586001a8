//! Kumiki with whole texts, and with plugins that wait.

use std::hint::black_box;
use std::io::{self, Cursor, Write};

use kumiki_text::{Config, TextHost, TextPlugin};
use kumiki_turns::{Answer, Row, Set, Work, input, repeat};
use test_components::guests::Guest;

use crate::message::with_causes;

/// Transforms a whole text, from memory and into memory.
pub(crate) fn stream(row: &Row) -> Result<Set, String> {
    let mode = match row.work {
        Work::Echo => "pass",
        Work::Bare => "upper",
        work => return Err(format!("it does not stream `{}`", work.name())),
    };
    let config: Config = [("mode", mode)].into_iter().collect();
    let mut plugin = load("stream-rust", config)?;
    let text: &'static [u8] = Vec::leak(input(row.size).into_bytes());
    let output = plugin.transform(text, Cursor::new(Vec::new()));
    let output = output.map_err(with_causes)?.into_inner();
    let output = String::from_utf8(output).map_err(with_causes)?;
    let turn = repeat(1, move || {
        let written = plugin.transform(black_box(text), Discard::default());
        black_box(written.expect("an output").0);
    });
    Ok(Set::new(Answer::bare(output).digest(), turn))
}

/// Passes as much text in one call to the same plugin.
pub(crate) fn single(row: &Row) -> Result<Set, String> {
    process("stream-rust", row)
}

/// Awaits a function of the host for one text.
pub(crate) fn wait(row: &Row) -> Result<Set, String> {
    process("wait-rust", row)
}

fn process(guest: &'static str, row: &Row) -> Result<Set, String> {
    let mut plugin = load(guest, Config::default())?;
    let text = input(row.size);
    let output = plugin.process(&text).map_err(with_causes)?.output;
    let turn = repeat(1, move || {
        let result = plugin.process(black_box(&text));
        drop(black_box(result.expect("an answer")));
    });
    Ok(Set::new(Answer::bare(output).digest(), turn))
}

fn load(guest: &'static str, config: Config) -> Result<TextPlugin, String> {
    let file = Guest::find(guest).path()?.to_owned();
    let host = TextHost::new().map_err(with_causes)?;
    TextPlugin::load(&host, file, config).map_err(with_causes)
}

/// A writer that touches what it gets, and keeps a byte of it.
#[derive(Default)]
struct Discard(u8);

impl Write for Discard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 ^= black_box(bytes).last().copied().unwrap_or_default();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
