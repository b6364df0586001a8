//! One text through one plugin or a chain of them.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, PipeReader, Read, Write, pipe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use kumiki_text::{Error, NotUtf8, TextPlugin};

use crate::files::source::ByteSource;

/// Where the result of a plugin goes.
type ByteSink = Box<dyn Write + Send>;

/// The results of a chain's plugins that have ended, by their position.
#[derive(Clone, Default)]
pub(super) struct ChainResults(Arc<Mutex<BTreeMap<usize, Result<(), Error>>>>);

impl ChainResults {
    fn all(&self) -> MutexGuard<'_, BTreeMap<usize, Result<(), Error>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the result of the chain is known, though some of its plugins may go on: the
    /// last of `plugins` has ended, or one has failed.
    pub(super) fn are_decided(&self, plugins: usize) -> bool {
        let all = self.all();
        all.values().any(is_cause) || all.contains_key(&plugins.saturating_sub(1))
    }

    /// Takes the result of the chain: the error of the first plugin that failed, or that of
    /// the last one.
    pub(super) fn take(&self) -> Result<(), Error> {
        let mut all = self.all();
        let cause = all.iter().find(|(_, result)| is_cause(result));
        let decisive = cause
            .or(all.last_key_value())
            .map(|(position, _)| *position);
        decisive.and_then(|it| all.remove(&it)).unwrap_or(Ok(()))
    }
}

/// Whether a plugin has failed. One whose output is read no longer has not: a later one
/// ended early.
fn is_cause(result: &Result<(), Error>) -> bool {
    let is_unread = |error: &Error| matches!(error, Error::Output { source, .. } if source.kind() == ErrorKind::BrokenPipe);
    result.as_ref().is_err_and(|error| !is_unread(error))
}

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
    results: &ChainResults,
) -> Result<(), Error> {
    let position = plugins.len().saturating_sub(1);
    let Some((last, before)) = plugins.split_last_mut() else {
        return Ok(());
    };
    thread::scope(|scope| {
        let mut input = input;
        let mut threads = Vec::new();
        for (position, plugin) in before.iter_mut().enumerate() {
            let (reader, writer) = connect(plugin)?;
            let is_whole = Arc::new(AtomicBool::new(false));
            let reader = WholeReader {
                reader,
                is_whole: is_whole.clone(),
            };
            let from = std::mem::replace(&mut input, Box::new(reader));
            threads.push(scope.spawn(move || {
                let succeeded = || is_whole.store(true, Ordering::Release);
                let result = transform(plugin, from, Box::new(writer), limit, succeeded);
                results.all().insert(position, result);
            }));
        }
        let result = transform(last, input, output, limit, || ());
        results.all().insert(position, result);
        for thread in threads {
            // Its panic ends this thread too.
            let ended = thread.join();
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        results.take()
    })
}

fn connect(plugin: &TextPlugin) -> Result<(PipeReader, io::PipeWriter), Error> {
    pipe().map_err(|source| Error::Output {
        plugin: plugin.name().to_owned(),
        source,
    })
}

/// The end of a pipe that a plugin reads. Its text is whole if the plugin before it has
/// succeeded, which is known before the pipe is closed.
struct WholeReader {
    reader: PipeReader,
    is_whole: Arc<AtomicBool>,
}

impl Read for WholeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let is_end = read == 0 && !buffer.is_empty();
        match is_end && !self.is_whole.load(Ordering::Acquire) {
            true => Err(io::Error::other("the plugin before it has failed")),
            false => Ok(read),
        }
    }
}

/// Passes a text through a plugin. Calls `succeeded` before the output is closed.
fn transform(
    plugin: &mut TextPlugin,
    input: ByteSource,
    output: ByteSink,
    limit: usize,
    succeeded: impl FnOnce(),
) -> Result<(), Error> {
    let output = match plugin.is_streaming() {
        true => plugin.transform(input, output),
        false => process(plugin, input, output, limit),
    };
    output.map(|output| {
        succeeded();
        drop(output);
    })
}

/// Processes a whole text as one record. Returns the output.
fn process(
    plugin: &mut TextPlugin,
    input: ByteSource,
    mut output: ByteSink,
    limit: usize,
) -> Result<ByteSink, Error> {
    let text = read(input, limit).map_err(|source| Error::Input {
        plugin: plugin.name().to_owned(),
        source,
    })?;
    let result = plugin.process(&text)?;
    let written = output.write_all(result.output.as_bytes());
    match written.and_then(|()| output.flush()) {
        Ok(()) => Ok(output),
        Err(source) => Err(Error::Output {
            plugin: plugin.name().to_owned(),
            source,
        }),
    }
}

/// Reads a text of at most `limit` bytes.
fn read(input: ByteSource, limit: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    let most = (limit as u64).saturating_add(1);
    input.take(most).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::new(
            ErrorKind::FileTooLarge,
            format!("it has more than {limit} bytes, and the plugin needs all of it in one call"),
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to() as u64;
        io::Error::new(ErrorKind::InvalidData, NotUtf8 { at })
    })
}
