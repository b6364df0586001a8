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
