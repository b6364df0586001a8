//! One text through one plugin or a chain of them.

use std::io::{self, ErrorKind, PipeReader, Read, Write, pipe};
use std::thread;

use kumiki_text::{Error, TextPlugin};

use crate::files::source::ByteSource;

/// Where the result of a plugin goes.
type ByteSink = Box<dyn Write + Send>;

/// Passes a text through all plugins, each on its own thread. They are connected by pipes
/// of the system: a plugin that is ahead of the next one waits.
///
/// A plugin that does not export `streaming` gets the text in one call, if it has at most
/// `limit` bytes.
pub(super) fn pass(
    plugins: &mut [TextPlugin],
    input: ByteSource,
    output: ByteSink,
    limit: usize,
) -> Result<(), Error> {
    let Some((last, before)) = plugins.split_last_mut() else {
        return Ok(());
    };
    thread::scope(|scope| {
        let mut input = input;
        let mut threads = Vec::new();
        for plugin in before {
            let (reader, writer) = connect(plugin)?;
            let from = std::mem::replace(&mut input, Box::new(reader));
            threads.push(scope.spawn(move || transform(plugin, from, Box::new(writer), limit)));
        }
        let mut results = vec![transform(last, input, output, limit)];
        for thread in threads.into_iter().rev() {
            // Its panic ends this thread too.
            results.push(
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        cause(results)
    })
}

fn connect(plugin: &TextPlugin) -> Result<(PipeReader, io::PipeWriter), Error> {
    pipe().map_err(|source| Error::Output {
        plugin: plugin.name().to_owned(),
        source,
    })
}

/// The result of a chain from those of its plugins, the last one first. A plugin whose
/// output is read no longer has not failed: a later one ended early.
fn cause(mut results: Vec<Result<(), Error>>) -> Result<(), Error> {
    let is_cause = |result: &Result<(), Error>| {
        let is_unread = |error: &Error| matches!(error, Error::Output { source, .. } if source.kind() == ErrorKind::BrokenPipe);
        result.as_ref().is_err_and(|error| !is_unread(error))
    };
    let first = results.iter().rposition(is_cause);
    results.swap_remove(first.unwrap_or(0))
}

fn transform(
    plugin: &mut TextPlugin,
    input: ByteSource,
    output: ByteSink,
    limit: usize,
) -> Result<(), Error> {
    match plugin.is_streaming() {
        true => plugin.transform(input, output).map(drop),
        false => process(plugin, input, output, limit),
    }
}

/// Processes a whole text as one record.
fn process(
    plugin: &mut TextPlugin,
    input: ByteSource,
    mut output: ByteSink,
    limit: usize,
) -> Result<(), Error> {
    let text = read(input, limit).map_err(|source| Error::Input {
        plugin: plugin.name().to_owned(),
        source,
    })?;
    let result = plugin.process(&text)?;
    let written = output.write_all(result.output.as_bytes());
    written
        .and_then(|()| output.flush())
        .map_err(|source| Error::Output {
            plugin: plugin.name().to_owned(),
            source,
        })
}

/// Reads a text of at most `limit` bytes.
fn read(input: ByteSource, limit: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    let most = (limit as u64).saturating_add(1);
    input.take(most).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::other(format!(
            "it has more than {limit} bytes, and the plugin does not read as it goes"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let message = format!("it is not UTF-8 from byte {at} on");
        io::Error::new(ErrorKind::InvalidData, message)
    })
}
