//! Whole texts of any length, in one call each.

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use kumiki::wasmtime::component::{Accessor, FutureConsumer, Source, StreamReader};
use kumiki::wasmtime::{self, StoreContextMut};
use kumiki::{ReadStream, StoreData, WriteStream};
use tokio::sync::oneshot;

use crate::contract::{ProcessError, TextBindings};
use crate::utf8::{NotUtf8, Utf8Checker};
use crate::{Error, Result, TextPlugin};

impl TextPlugin {
    /// Returns whether the plugin exports `streaming`, for [`TextPlugin::transform`].
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.streams
    }

    /// Transforms a whole text of any length: the plugin reads `input` and writes
    /// `output` as it goes, in constant memory if the plugin does so. Returns the output
    /// when the plugin has ended it and reported success.
    ///
    /// Both texts are checked to be UTF-8 as they pass. [`Limits::time`] limits the time
    /// without progress: without a byte that the plugin reads or writes. Reading and
    /// writing may block; the instance waits meanwhile.
    ///
    /// After an error, what was written before is not the whole result.
    ///
    /// # Errors
    /// [`Error::NoStreaming`] if the plugin does not export `streaming`; [`Error::Plugin`]
    /// if it reported an error; [`Error::Input`] and [`Error::Output`] if the reader or
    /// the writer failed, or the input is not UTF-8; [`Error::Stream`] if the output is not
    /// UTF-8; [`Error::Host`] if the plugin trapped or exceeded a limit. After the last
    /// four, the next call gets a new instance, except if nobody reads the output
    /// ([`BrokenPipe`](ErrorKind::BrokenPipe)): then the plugin ends by itself.
    ///
    /// [`Limits::time`]: kumiki::Limits::time
    pub fn transform<R, W>(&mut self, input: R, output: W) -> Result<W>
    where
        R: Read + Send + Unpin + 'static,
        W: Write + Send + Unpin + 'static,
    {
        if !self.streams {
            let plugin = self.name().to_owned();
            return Err(Error::NoStreaming { plugin });
        }
        let fault = Fault::default();
        let reader = Arc::new(Mutex::new(Some(input)));
        let input = CheckedReader {
            reader: reader.clone(),
            checker: Utf8Checker::default(),
            fault: fault.clone(),
        };
        let output = CheckedWriter {
            writer: output,
            checker: Utf8Checker::default(),
            fault: fault.clone(),
        };
        let instance = match self.live() {
            Ok(instance) => instance,
            Err(error) => return Err(self.failed(error)),
        };
        let start = Instant::now();
        let called = instance.call_concurrent_blocking("transform", async |bindings, accessor| {
            transform(bindings, accessor, input, output).await
        });
        self.measure_call(start.elapsed());
        // A plugin need not drop its input, and an instance that stays would keep it open.
        drop(reader.lock().unwrap_or_else(PoisonError::into_inner).take());
        match called {
            Ok(_) => self.retire(),
            Err(_) => self.restart(),
        }
        let result = match (called, fault.take()) {
            (_, Some(cause)) => Err(cause.into_error(self.name())),
            (Err(error), None) => Err(self.failed(error)),
            (Ok((_, Err(error))), None) => Err(self.plugin_error(error)),
            (Ok((output, Ok(()))), None) => {
                output.end().map_err(|cause| cause.into_error(self.name()))
            }
        };
        self.count(result.as_ref().map(|(_, bytes)| *bytes));
        result.map(|(output, _)| output)
    }
}

/// Calls `transform`, and waits until it has ended everything that it began.
async fn transform<R, W>(
    bindings: &TextBindings,
    accessor: &Accessor<StoreData>,
    input: CheckedReader<R>,
    output: CheckedWriter<W>,
) -> wasmtime::Result<(CheckedWriter<W>, Result<(), ProcessError>)>
where
    R: Read + Send + Unpin + 'static,
    W: Write + Send + Unpin + 'static,
{
    let streaming = bindings.streaming();
    let streaming = streaming.ok_or_else(|| wasmtime::format_err!("no `streaming`"))?;
    let input = accessor.with(|store| StreamReader::new(store, ReadStream::new(input)))?;
    let (result, outcome) = streaming.call_transform(accessor, input).await?;
    let (writer, end) = WriteStream::new(output);
    let (reported, report) = oneshot::channel();
    accessor.with(|mut store| {
        result.pipe(&mut store, writer)?;
        outcome.pipe(&mut store, Outcome(Some(reported)))
    })?;
    let output = end.await.map_err(|_| ended("output"))?;
    let outcome = report.await.map_err(|_| ended("outcome"))?;
    // What the guest does after its report must not go on beside the next call.
    poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
    Ok((output, outcome))
}

fn ended(what: &str) -> wasmtime::Error {
    wasmtime::format_err!("its {what} ended early")
}

/// Receives the outcome that a plugin reports.
struct Outcome(Option<oneshot::Sender<Result<(), ProcessError>>>);

impl FutureConsumer<StoreData> for Outcome {
    type Item = Result<(), ProcessError>;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<'_, StoreData>,
        mut source: Source<'_, Self::Item>,
        _: bool,
    ) -> Poll<wasmtime::Result<()>> {
        let mut value = None;
        source.read(store, &mut value)?;
        if let (Some(value), Some(sender)) = (value, self.0.take()) {
            // Nobody waits if the call has failed.
            let _ = sender.send(value);
        }
        Poll::Ready(Ok(()))
    }
}

/// What went wrong outside of the plugin, or in its output: the error that a stream
/// returns to wasmtime loses its type.
#[derive(Clone, Default)]
struct Fault(Arc<Mutex<Option<Cause>>>);

enum Cause {
    Input(io::Error),
    Output(io::Error),
    OutputText(NotUtf8),
}

impl Fault {
    fn set(&self, cause: Cause) -> io::Error {
        let kind = match &cause {
            Cause::Input(error) | Cause::Output(error) => error.kind(),
            Cause::OutputText(_) => ErrorKind::InvalidData,
        };
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(cause);
        io::Error::new(kind, "the stream failed")
    }

    fn take(&self) -> Option<Cause> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Cause {
    fn into_error(self, plugin: &str) -> Error {
        let plugin = plugin.to_owned();
        match self {
            Self::Input(source) => Error::Input { plugin, source },
            Self::Output(source) => Error::Output { plugin, source },
            Self::OutputText(NotUtf8 { at }) => Error::Stream {
                plugin,
                message: format!("its output is not UTF-8 from byte {at} on"),
            },
        }
    }
}

/// A reader of a text, which must be UTF-8.
struct CheckedReader<R> {
    /// `None` once the call has ended.
    reader: Arc<Mutex<Option<R>>>,
    checker: Utf8Checker,
    fault: Fault,
}

impl<R: Read> Read for CheckedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let read = match reader.as_mut().map_or(Ok(0), |reader| reader.read(buffer)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            read => read.map_err(|error| self.fault.set(Cause::Input(error)))?,
        };
        let checked = match read {
            0 => self.checker.end().map(drop),
            _ => self.checker.check(&buffer[..read]),
        };
        checked.map_err(|NotUtf8 { at }| {
            let message = format!("it is not UTF-8 from byte {at} on");
            let error = io::Error::new(ErrorKind::InvalidData, message);
            self.fault.set(Cause::Input(error))
        })?;
        Ok(read)
    }
}

/// A writer of a text, which must be UTF-8.
struct CheckedWriter<W> {
    writer: W,
    checker: Utf8Checker,
    fault: Fault,
}

impl<W: Write> CheckedWriter<W> {
    /// Ends the text; returns the writer and the number of bytes written.
    fn end(mut self) -> Result<(W, usize), Cause> {
        let bytes = self.checker.end().map_err(Cause::OutputText)?;
        self.writer.flush().map_err(Cause::Output)?;
        Ok((self.writer, usize::try_from(bytes).unwrap_or(usize::MAX)))
    }
}

impl<W: Write> Write for CheckedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.checker
            .check(bytes)
            .map_err(|at| self.fault.set(Cause::OutputText(at)))?;
        self.writer
            .write_all(bytes)
            .map_err(|error| self.fault.set(Cause::Output(error)))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
