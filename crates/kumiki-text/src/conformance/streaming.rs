//! Checks of plugins that process whole texts.

use std::io::{self, ErrorKind, Read, Write};

use kumiki::excerpt;

use super::growth::SAMPLE;
use super::{Check, SHOWN, controls, planes};
use crate::{Error, TextPlugin};

pub(super) const CHECKS: [(&str, Check); 4] = [
    ("empty whole text", |plugin| {
        describe(&transform(plugin, "", usize::MAX)?)
    }),
    ("whole text in chunks of any size", same_in_chunks),
    ("whole text whose output nobody reads", unread),
    ("whole text after another one", again),
];

/// The bytes of chunks, which end within characters.
const CHUNKS: [usize; 4] = [1, 3, 1000, 64 << 10];

/// Transforms a text that is read in chunks of at most this many bytes. Returns the
/// output, or the name of one of the contract's errors; any other error is a violation.
fn transform(
    plugin: &mut TextPlugin,
    text: &str,
    chunk: usize,
) -> Result<Result<Vec<u8>, String>, String> {
    let input = Chunks {
        text: io::Cursor::new(text.to_owned()),
        chunk,
    };
    match plugin.transform(input, Vec::new()) {
        Ok(output) => Ok(Ok(output)),
        Err(error @ Error::Plugin { .. }) => Ok(Err(error.kind().to_owned())),
        Err(error) => Err(error.to_string()),
    }
}

/// A text of lines and characters of each length.
fn sample() -> String {
    let text = format!("{SAMPLE}\n{}\n{}\n", planes(), controls());
    text.repeat(100)
}

fn same_in_chunks(plugin: &mut TextPlugin) -> Result<String, String> {
    let text = sample();
    let whole = transform(plugin, &text, usize::MAX)?;
    for chunk in CHUNKS {
        let chunked = transform(plugin, &text, chunk)?;
        if chunked != whole {
            return Err(format!(
                "in one chunk {}, in chunks of {chunk} B {}",
                describe(&whole)?,
                describe(&chunked)?
            ));
        }
    }
    describe(&whole)
}

/// The text is longer than what the host and the plugin can hold between them.
fn unread(plugin: &mut TextPlugin) -> Result<String, String> {
    let text = sample().repeat(20);
    match plugin.transform(io::Cursor::new(text), Unread) {
        Err(Error::Output { .. }) => Ok("it stops".to_owned()),
        Err(error @ Error::Plugin { .. }) => Ok(error.kind().to_owned()),
        Ok(_) => Ok("it writes nothing".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn again(plugin: &mut TextPlugin) -> Result<String, String> {
    let first = transform(plugin, SAMPLE, usize::MAX)?;
    let _ = transform(plugin, "something else between", usize::MAX)?;
    match transform(plugin, SAMPLE, usize::MAX)? == first {
        true => Ok("the same answer".to_owned()),
        false => Err("it gives another answer".to_owned()),
    }
}

fn describe(result: &Result<Vec<u8>, String>) -> Result<String, String> {
    Ok(match result {
        Ok(output) if output.len() <= SHOWN / 10 => {
            format!("`{}`", excerpt(&String::from_utf8_lossy(output), SHOWN))
        }
        Ok(output) => format!("{} B of output", output.len()),
        Err(error) => error.clone(),
    })
}

/// A reader of chunks.
struct Chunks {
    text: io::Cursor<String>,
    chunk: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.chunk);
        self.text.read(&mut buffer[..length])
    }
}

/// A writer that nobody reads from.
struct Unread;

impl Write for Unread {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
