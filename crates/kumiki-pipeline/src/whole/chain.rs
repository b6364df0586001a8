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
/// output is read no longer, or whose input ended early, only follows another one's error.
fn cause(results: Vec<Result<(), Error>>) -> Result<(), Error> {
    let mut errors: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    let is_cause = |error: &Error| !matches!(error, Error::Output { source, .. } if source.kind() == ErrorKind::BrokenPipe);
    let first = errors.iter().rposition(is_cause);
    match first.or(errors.len().checked_sub(1)) {
        Some(at) => Err(errors.swap_remove(at)),
        None => Ok(()),
    }
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
    let name = || plugin.name().to_owned();
    let mut text = String::new();
    let most = (limit as u64).saturating_add(1);
    let read = input.take(most).read_to_string(&mut text);
    let read = read.and_then(|_| match text.len() > limit {
        true => Err(io::Error::other(format!(
            "it has more than {limit} bytes, and the plugin does not read as it goes"
        ))),
        false => Ok(()),
    });
    read.map_err(|source| Error::Input {
        plugin: name(),
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
