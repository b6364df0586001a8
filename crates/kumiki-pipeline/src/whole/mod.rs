//! Runs of whole texts: each input is one call, and its result is written as it comes.

mod chain;
pub(crate) mod folder;

use std::io::{self, Cursor, Read, Write};
use std::mem;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use kumiki_text::{Pipeline, TextPlugin};

use chain::ChainResults;

use crate::diagnostic::{Diagnostic, Location};
use crate::escape::escape_lines;
use crate::event::{RunEvent, RunObserver};
use crate::executor::panicked;
use crate::files::source::{self, ByteCounter, ByteSource, counted};
use crate::input::open::{Content, OpenInput, OpenInputs};
use crate::interrupt::Interrupt;
use crate::sink::Sink;
use crate::summary::Summary;

/// How often progress is reported.
const PROGRESS: Duration = Duration::from_millis(100);
/// How long an interrupted run waits for its plugins.
const AFTER_INTERRUPT: Duration = Duration::from_secs(1);

/// Passes each input through `pipeline` as a whole. Ends at the first text that fails:
/// what was written of its result is incomplete.
///
/// # Errors
/// When the output cannot be ended, or a thread has panicked.
pub(crate) fn execute(
    inputs: OpenInputs,
    (sink, is_terminal): (Sink, bool),
    pipeline: Pipeline,
    observer: &dyn RunObserver,
    interrupt: &Interrupt,
) -> io::Result<Summary> {
    let output = SharedSink {
        is_terminal,
        ..SharedSink::file(sink)
    };
    output.begin()?;
    let limit = inputs.options.line_limit;
    let mut run = WholeRun {
        plugins: pipeline.into_plugins(),
        output,
        limit,
        observer,
        interrupt,
        summary: Summary::default(),
        bytes_before: 0,
    };
    for input in inputs.list {
        if !run.text(input)? {
            break;
        }
    }
    let WholeRun {
        plugins,
        output,
        mut summary,
        ..
    } = run;
    summary.usages = plugins.iter().map(|it| it.usage().cloned()).collect();
    drop(plugins);
    output.end(summary.failed == 0 && !summary.interrupted)?;
    Ok(summary)
}

struct WholeRun<'a> {
    plugins: Vec<TextPlugin>,
    output: SharedSink,
    /// The longest text for a plugin that does not export `streaming`, in bytes.
    limit: usize,
    observer: &'a dyn RunObserver,
    interrupt: &'a Interrupt,
    summary: Summary,
    /// Bytes of the inputs before this one, as they are stored.
    bytes_before: u64,
}

impl WholeRun<'_> {
    /// Passes one input through the plugins; returns whether the run goes on.
    fn text(&mut self, input: OpenInput) -> io::Result<bool> {
        let name: Arc<str> = input.name.into();
        let (reader, counter) = match open(input.content) {
            Ok(opened) => opened,
            Err(error) => {
                self.fail(&Diagnostic::Unopened {
                    source: name,
                    error,
                });
                return Ok(false);
            }
        };
        let reader = Interruptible {
            reader,
            interrupt: self.interrupt.clone(),
        };
        let result = self.pass(reader, &counter)?;
        self.bytes_before += counter.get();
        let Some(result) = result.filter(|_| !self.interrupt.is_triggered()) else {
            self.summary.interrupted = true;
            return Ok(false);
        };
        let location = Location {
            source: name,
            line: 0,
        };
        match result {
            Ok(()) => {
                self.summary.records += 1;
                self.summary.last = Some(location);
                Ok(true)
            }
            // That of the last plugin: the others write into pipes.
            Err(kumiki_text::Error::Output { source, .. }) => Err(source),
            Err(error) => {
                self.fail(&Diagnostic::Plugin {
                    location: Some(location),
                    error: Arc::new(error),
                });
                Ok(false)
            }
        }
    }

    /// Runs the plugins on other threads, and reports their progress on this one. Does not
    /// wait for plugins that still read their input once the result is known, or the run was
    /// interrupted: then returns `None`.
    fn pass(
        &mut self,
        reader: Interruptible,
        counter: &ByteCounter,
    ) -> io::Result<Option<Result<(), kumiki_text::Error>>> {
        let (done, at_end) = channel();
        let (output, limit) = (self.output.clone(), self.limit);
        let mut plugins = mem::take(&mut self.plugins);
        let (results, count) = (ChainResults::default(), plugins.len());
        let of_plugins = results.clone();
        // In place of those that are left alone.
        let others: Vec<_> = plugins.iter().map(TextPlugin::sibling).collect();
        thread::Builder::new()
            .name("whole text".into())
            .spawn(move || {
                let (reader, output) = (Box::new(reader), Box::new(output));
                let result = chain::pass(&mut plugins, reader, output, limit, &of_plugins);
                // Nobody waits after an interrupt.
                let _ = done.send((plugins, result));
            })?;
        let mut patience = AFTER_INTERRUPT;
        loop {
            match at_end.recv_timeout(PROGRESS) {
                Ok((plugins, result)) => {
                    self.plugins = plugins;
                    return Ok(Some(result));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(panicked("a plugin's thread")),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.observer.event(&RunEvent::Progress {
                bytes: self.bytes_before + counter.get(),
                records: self.summary.records,
            });
            let is_interrupted = self.interrupt.is_triggered();
            if is_interrupted || results.are_decided(count) {
                patience = patience.saturating_sub(PROGRESS);
                if patience.is_zero() {
                    self.plugins = others;
                    return Ok((!is_interrupted).then(|| results.take()));
                }
            }
        }
    }

    fn fail(&mut self, diagnostic: &Diagnostic) {
        self.summary.failed += 1;
        self.observer.event(&RunEvent::Diagnostic(diagnostic));
    }
}

fn open(content: Content) -> io::Result<(ByteSource, ByteCounter)> {
    match content {
        Content::Text(text) => {
            let (reader, counter) = counted(Cursor::new(text));
            Ok((Box::new(reader), counter))
        }
        Content::Stream(reader, counter) => Ok((reader, counter)),
        Content::Closed(path) => source::open(&path),
        Content::Csv(_) | Content::Parquet(_) => Err(io::Error::other("a table is not one text")),
    }
}

/// A reader that fails once the run is interrupted.
struct Interruptible {
    reader: ByteSource,
    interrupt: Interrupt,
}

impl Read for Interruptible {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.interrupt.is_triggered() {
            true => Err(io::Error::other("the run was interrupted")),
            false => self.reader.read(buffer),
        }
    }
}

/// The output of all texts, one after the other.
#[derive(Clone)]
struct SharedSink {
    sink: Arc<Mutex<Sink>>,
    /// Whether control and invisible characters are escaped.
    is_terminal: bool,
    /// The start of a character that was cut by the end of a piece, on a terminal.
    rest: Vec<u8>,
}

impl SharedSink {
    /// Shares the output to a file.
    fn file(sink: Sink) -> Self {
        Self {
            sink: Arc::new(Mutex::new(sink)),
            is_terminal: false,
            rest: Vec::new(),
        }
    }

    fn begin(&self) -> io::Result<()> {
        self.with(|sink| sink.begin(&[]))
    }

    fn with<R>(&self, work: impl FnOnce(&mut Sink) -> R) -> R {
        work(&mut self.sink.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the output. A file that is not complete keeps the name of its part.
    fn end(self, is_complete: bool) -> io::Result<()> {
        if !is_complete {
            // A plugin that was left alone after an interrupt may be writing.
            return self.sink.try_lock().map_or(Ok(()), |mut sink| sink.flush());
        }
        let sink = Arc::into_inner(self.sink);
        let sink = sink.ok_or_else(|| io::Error::other("the output is still in use"))?;
        sink.into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .finish()
    }
}

impl Write for SharedSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    /// The reader of a stream gets the bytes at once.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.is_terminal {
            return self.with(|sink| sink.write(bytes).and_then(|()| sink.flush()));
        }
        self.rest.extend_from_slice(bytes);
        let length = match str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let text: Vec<u8> = self.rest.drain(..length).collect();
        let text = String::from_utf8_lossy(&text);
        let shown = escape_lines(&text);
        self.with(|sink| sink.write(shown.as_bytes()).and_then(|()| sink.flush()))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(Sink::flush)
    }
}
