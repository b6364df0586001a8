//! Writes the standard output and error of a guest to the log.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::files;
use crate::log_meter::{LogMeter, log};
use crate::observer::{Level, Observer};

/// Maximum bytes that a guest may write at once to its standard output or error.
const MAX_WRITE: usize = 64 * 1024;

/// The standard output or error of a guest. Each line becomes a log record of level debug,
/// because contracts have their own log functions.
#[derive(Clone)]
pub(super) struct LogStream {
    plugin: Arc<str>,
    observer: Arc<dyn Observer>,
    meter: Arc<LogMeter>,
}

impl LogStream {
    pub(super) fn new(
        plugin: &Arc<str>,
        observer: &Arc<dyn Observer>,
        meter: &Arc<LogMeter>,
    ) -> Self {
        Self {
            plugin: plugin.clone(),
            observer: observer.clone(),
            meter: meter.clone(),
        }
    }

    pub(super) fn log(&self, level: Level, message: &str) {
        log(&self.meter, &*self.observer, &self.plugin, level, message);
    }

    fn log_lines(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for message in text.lines().filter(|line| !line.trim().is_empty()) {
            self.log(Level::Debug, message);
        }
    }

    pub(super) fn plugin(&self) -> &Arc<str> {
        &self.plugin
    }

    pub(super) fn observer(&self) -> &Arc<dyn Observer> {
        &self.observer
    }

    pub(super) fn rename(&mut self, plugin: &Arc<str>) {
        self.plugin.clone_from(plugin);
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

/// For WASI 0.3. A longer write takes only the maximum, and the guest receives the number.
impl AsyncWrite for LogStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = &bytes[..bytes.len().min(MAX_WRITE)];
        self.log_lines(written);
        Poll::Ready(Ok(written.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        if bytes.len() > MAX_WRITE {
            return Err(files::not_permitted(bytes.len(), MAX_WRITE));
        }
        self.log_lines(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(MAX_WRITE)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use test_components::wasi_0_3::Guest;

    use super::*;
    use crate::Limits;
    use crate::wasi::test_instances::{Denials, concurrent_store_with, run};

    const STDOUT: &str = "wasi:cli/stdout";
    const WRITE: &str = "write-via-stream";

    fn guest() -> Guest {
        Guest::new()
            .import(STDOUT, WRITE, "$write")
            .built_in(STDOUT, WRITE, "stream-new-0", "$new", "(result i64)")
            .transfer(STDOUT, WRITE, "stream-write-0", "$put")
            .built_in(
                STDOUT,
                WRITE,
                "stream-drop-writable-0",
                "$end",
                "(param i32)",
            )
            .transfer(STDOUT, WRITE, "future-read-1", "$written")
    }

    #[test]
    fn output_of_0_3_is_logged_within_the_limits() {
        let writer = guest()
            .items("(data (i32.const 300) \"one\\n\\ntwo\\n\")")
            .run(
                "(local $ends i64) (local $to i32) (local $future i32)
                 (local.set $ends (call $new))
                 (local.set $to (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
                 (local.set $future (call $write (i32.wrap_i64 (local.get $ends))))
                 (loop $again
                    (drop (call $put (local.get $to) (i32.const 300) (i32.const 9)))
                    (local.set $argument (i64.sub (local.get $argument) (i64.const 1)))
                    (br_if $again (i64.gt_s (local.get $argument) (i64.const 0))))
                 (call $end (local.get $to))
                 (drop (call $written (local.get $future) (i32.const 400)))
                 (i64.extend_i32_u (i32.load8_u (i32.const 400)))",
            );
        let log = |count: u64| {
            let observer = Arc::new(Denials::default());
            let limits = Limits::default().with_log(10, usize::MAX);
            let mut store = concurrent_store_with(&Arc::default(), &limits, observer.clone());
            let ended = run(&mut store, &writer, count, Duration::from_secs(20));
            assert_eq!(ended.unwrap().unwrap(), 0);
            observer.log()
        };
        assert_eq!(log(1), ["one", "two"]);
        // And a notice.
        assert_eq!(log(1000).len(), 11);
    }

    /// Streams that the guest opens and does not use.
    #[test]
    fn streams_at_a_time_are_limited() {
        let opener = guest().run(
            "(loop $again
                (drop (call $write (i32.wrap_i64 (call $new))))
                (br $again))
             (i64.const 0)",
        );
        let observer = Arc::new(Denials::default());
        let mut store = concurrent_store_with(&Arc::default(), &Limits::default(), observer);
        let ended = run(&mut store, &opener, 0, Duration::from_secs(60));
        let error = ended.unwrap().unwrap_err();
        assert!(format!("{error:?}").contains("handle"), "{error:?}");
    }
}
