//! Writes the standard output and error of a guest to the log.

use std::sync::Arc;

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

    // Only WASI 0.3 calls this, which is not linked.
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
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
        let text = String::from_utf8_lossy(&bytes);
        for message in text.lines().filter(|line| !line.trim().is_empty()) {
            self.log(Level::Debug, message);
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(MAX_WRITE)
    }
}
