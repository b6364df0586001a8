//! The host state in the store of one instance.

use std::sync::Arc;

use wasmtime_wasi::{WasiCtxView, WasiView};
#[cfg(feature = "http")]
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::memory::MemoryLimiter;
use crate::log_meter::{LogMeter, log};
use crate::observer::{Level, Observer};
use crate::wasi::{Granted, HasWasi, Wasi};
use crate::{Budget, Limits};

/// The host state of one instance: the contract's data, and what every plugin needs.
/// It is the `T` of the instance's `Store<T>`; a contract implements its host functions
/// for `HostState<ItsData>`.
///
/// It is created and dropped with the instance, and not shared with other instances.
pub struct HostState<D> {
    /// The contract's own data for this instance.
    pub data: D,
    pub(crate) plugin: Arc<str>,
    pub(crate) memory: MemoryLimiter,
    pub(crate) wasi: Wasi,
    pub(crate) meter: Arc<LogMeter>,
    observer: Arc<dyn Observer>,
}

impl<D> HostState<D> {
    pub(crate) fn new(
        data: D,
        plugin: Arc<str>,
        limits: &Limits,
        budget: &Budget,
        observer: Arc<dyn Observer>,
        granted: Arc<Granted>,
    ) -> Self {
        let meter = Arc::new(LogMeter::new(limits));
        let wasi = Wasi::new(&plugin, &observer, &meter, limits, granted);
        let memory = MemoryLimiter::new(limits, budget);
        Self {
            data,
            plugin,
            memory,
            wasi,
            meter,
            observer,
        }
    }

    /// Returns the plugin's name, as log records show it.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Passes a log record of this plugin to the host's observer. Once the call reaches
    /// its log limit, the observer gets one notice instead.
    #[inline]
    pub fn log(&self, level: Level, message: &str) {
        log(&self.meter, &*self.observer, &self.plugin, level, message);
    }
}

impl<D: Send> WasiView for HostState<D> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.view()
    }
}

#[cfg(feature = "http")]
impl<D: Send> WasiHttpView for HostState<D> {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.wasi.http()
    }
}

impl<D: Send + 'static> HasWasi for HostState<D> {
    fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}
