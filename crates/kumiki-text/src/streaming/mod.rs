//! Whole texts of any length, in one call each.

mod fault;
mod outcome;
mod reader;
mod utf8;
mod writer;

use std::future::poll_fn;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use kumiki::wasmtime;
use kumiki::wasmtime::component::{Accessor, StreamConsumer, StreamProducer, StreamReader};
use kumiki::{AsyncReadStream, AsyncWriteStream, Limits, ReadStream, StoreData, WriteStream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use crate::contract::{ProcessError, TextBindings};
use crate::{Error, Result, TextPlugin};

use fault::Fault;
use outcome::Outcome;
use reader::{CheckedReader, ReaderEnd};
pub use utf8::NotUtf8;
use writer::{CheckedWriter, OutputSize};

/// The function of the interface.
const FUNCTION: &str = "transform";

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
    /// writing may block; the instance waits meanwhile. [`Limits::total_time`],
    /// [`Limits::stream_output`] and [`Limits::stream_growth`] apply too.
    ///
    /// After an error, what was written before is not the whole result.
    ///
    /// # Errors
    /// [`Error::NoStreaming`] if the plugin does not export `streaming`; [`Error::Plugin`]
    /// if it reported an error; [`Error::Input`] and [`Error::Output`] if the reader or
    /// the writer failed, or the input is not UTF-8; [`Error::Stream`] if the output is not
    /// UTF-8; [`Error::Host`] if the plugin trapped or exceeded a limit. After the last
    /// four, the next call gets a new instance, except if nobody reads the output
    /// ([`BrokenPipe`]): then the plugin ends by itself.
    ///
    /// [`Limits::time`]: kumiki::Limits::time
    /// [`Limits::total_time`]: kumiki::Limits::total_time
    /// [`Limits::stream_output`]: kumiki::Limits::stream_output
    /// [`Limits::stream_growth`]: kumiki::Limits::stream_growth
    /// [`BrokenPipe`]: std::io::ErrorKind::BrokenPipe
    pub fn transform<R, W>(&mut self, input: R, output: W) -> Result<W>
    where
        R: Read + Send + Unpin + 'static,
        W: Write + Send + Unpin + 'static,
    {
        self.check_streaming()?;
        let (streams, ended) = check(input, output, self.limits());
        let (input, (output, at_end)) = (
            ReadStream::new(streams.input),
            WriteStream::new(streams.output),
        );
        let start = Instant::now();
        let instance = match self.live() {
            Ok(instance) => instance,
            Err(error) => return Err(self.failed(error)),
        };
        let called = instance.call_concurrent_blocking(FUNCTION, async |bindings, accessor| {
            transform(bindings, accessor, input, output, at_end).await
        });
        let output = self.transform_ended(start, called, ended);
        let result = output.and_then(|output| {
            let ended = output.end();
            ended.map_err(|cause| cause.into_error(self.name()))
        });
        self.count(result.as_ref().map(|(_, bytes)| *bytes));
        result.map(|(output, _)| output)
    }

    /// As [`TextPlugin::transform`], in a task of a tokio runtime: while the reader or the
    /// writer waits, other tasks run. If the future is dropped before it completes, the next
    /// call gets a new instance.
    ///
    /// ```
    /// use kumiki_text::{Result, TextPlugin};
    /// use tokio::io::{AsyncRead, AsyncWrite};
    ///
    /// /// Transforms what one connection receives, and sends it to another.
    /// async fn forward(
    ///     plugin: &mut TextPlugin,
    ///     from: impl AsyncRead + Send + Unpin + 'static,
    ///     to: impl AsyncWrite + Send + Unpin + 'static,
    /// ) -> Result<()> {
    ///     plugin.transform_async(from, to).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`TextPlugin::transform`]; [`kumiki::Error::NoRuntime`].
    ///
    /// # Panics
    /// In a tokio runtime without timers and IO (`enable_all`).
    pub async fn transform_async<R, W>(&mut self, input: R, output: W) -> Result<W>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        self.check_streaming()?;
        let (streams, ended) = check(input, output, self.limits());
        let (input, (output, at_end)) = (
            AsyncReadStream::new(streams.input),
            AsyncWriteStream::new(streams.output),
        );
        let start = Instant::now();
        let instance = match self.live() {
            Ok(instance) => instance,
            Err(error) => return Err(self.failed(error)),
        };
        let called = instance
            .call_concurrent(FUNCTION, async |bindings, accessor| {
                transform(bindings, accessor, input, output, at_end).await
            })
            .await;
        let result = match self.transform_ended(start, called, ended) {
            Ok(output) => {
                let ended = output.end_async().await;
                ended.map_err(|cause| cause.into_error(self.name()))
            }
            Err(error) => Err(error),
        };
        self.count(result.as_ref().map(|(_, bytes)| *bytes));
        result.map(|(output, _)| output)
    }

    fn check_streaming(&self) -> Result<()> {
        match self.streams {
            true => Ok(()),
            false => Err(Error::NoStreaming {
                plugin: self.name().to_owned(),
            }),
        }
    }

    /// Ends a call. Returns its output, which has not ended yet.
    fn transform_ended<R, W>(
        &mut self,
        start: Instant,
        called: kumiki::Result<Transformed<W>>,
        ended: Ended<R>,
    ) -> Result<CheckedWriter<W>> {
        self.measure_call(start.elapsed());
        let Ended { reader, fault } = ended;
        reader.end();
        match called {
            Ok(_) => self.retire(),
            Err(_) => self.restart(),
        }
        match (called, fault.take()) {
            (_, Some(cause)) => Err(cause.into_error(self.name())),
            (Err(error), None) => Err(self.failed(error)),
            (Ok((_, Err(error))), None) => Err(self.plugin_error(error)),
            (Ok((output, Ok(()))), None) => Ok(output),
        }
    }
}

/// The output, which has not ended yet, and what the plugin reported.
type Transformed<W> = (CheckedWriter<W>, Result<(), ProcessError>);

/// The checked input and output of a call.
struct Streams<R, W> {
    input: CheckedReader<R>,
    output: CheckedWriter<W>,
}

/// What remains of them after the call.
struct Ended<R> {
    reader: ReaderEnd<R>,
    fault: Fault,
}

fn check<R, W>(input: R, output: W, limits: &Limits) -> (Streams<R, W>, Ended<R>) {
    let (fault, read) = (Fault::default(), Arc::new(AtomicU64::new(0)));
    let size = OutputSize::new(limits, read.clone());
    let (input, reader) = CheckedReader::new(input, read, fault.clone());
    let output = CheckedWriter::new(output, size, fault.clone());
    (Streams { input, output }, Ended { reader, fault })
}

/// Calls `transform`, and waits until it has ended everything that it began.
async fn transform<W>(
    bindings: &TextBindings,
    accessor: &Accessor<StoreData>,
    input: impl StreamProducer<StoreData, Item = u8>,
    output: impl StreamConsumer<StoreData, Item = u8>,
    at_end: oneshot::Receiver<CheckedWriter<W>>,
) -> wasmtime::Result<Transformed<W>> {
    let streaming = bindings.streaming();
    let streaming = streaming.ok_or_else(|| wasmtime::format_err!("no `streaming`"))?;
    let input = accessor.with(|store| StreamReader::new(store, input))?;
    let (result, outcome) = streaming.call_transform(accessor, input).await?;
    let (reported, report) = oneshot::channel();
    accessor.with(|mut store| {
        result.pipe(&mut store, output)?;
        outcome.pipe(&mut store, Outcome(Some(reported)))
    })?;
    let output = at_end.await.map_err(|_| ended_early("output"))?;
    let outcome = report.await.map_err(|_| ended_early("outcome"))?;
    // What the guest does after its report must not go on beside the next call.
    poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
    Ok((output, outcome))
}

fn ended_early(what: &str) -> wasmtime::Error {
    wasmtime::format_err!("its {what} ended early")
}
