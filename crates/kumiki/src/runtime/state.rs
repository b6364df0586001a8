//! The host state in the store of one instance.

use std::any::Any;
use std::sync::Arc;

use wasmtime::{StoreContextMut, Trap};
use wasmtime_wasi::{WasiCtxView, WasiView};
#[cfg(feature = "http")]
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::memory::MemoryLimiter;
use super::streams::Progress;
use crate::clock::Deadline;
use crate::log_meter::{LogMeter, log};
use crate::observer::{Level, Observer};
use crate::wasi::{Granted, HasWasi, Wasi};
use crate::{Budget, Limits};

/// The host state of one instance for the host functions of its contract, which
/// implements them for `HostState<ItsData>`.
///
/// It is created and dropped with the instance, and not shared with other instances.
pub struct HostState<D> {
    /// The contract's own data for this instance.
    pub data: D,
    plugin: Arc<str>,
    meter: Arc<LogMeter>,
    observer: Arc<dyn Observer>,
}

impl<D> HostState<D> {
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

/// The `T` of an instance's `Store<T>`: WASI, the limits, and the [`HostState`] of its
/// contract.
///
/// It is the same type for every contract, so that the functions of WASI are compiled
/// once, and not again with each contract.
pub struct StoreData {
    pub(crate) memory: MemoryLimiter,
    pub(crate) wasi: Wasi,
    pub(crate) meter: Arc<LogMeter>,
    /// The time limit of a call in ticks.
    ticks: u64,
    /// The limit of the total time of a call in ticks.
    total_ticks: Option<u64>,
    /// The end of the total time of the call, if it is limited and may make progress.
    total: Option<Deadline>,
    /// Whether the guest yields with each tick: the contract is asynchronous.
    yields: bool,
    /// Set by the first call that can make progress.
    progress: Option<Progress>,
    plugin: Arc<str>,
    /// A [`HostState`] of the contract's data.
    host: Box<dyn Any + Send>,
}

impl StoreData {
    pub(crate) fn new<D: Send + 'static>(
        data: D,
        plugin: Arc<str>,
        limits: &Limits,
        budget: &Budget,
        observer: Arc<dyn Observer>,
        granted: Arc<Granted>,
    ) -> Self {
        let meter = Arc::new(LogMeter::new(limits));
        Self {
            memory: MemoryLimiter::new(limits, budget),
            wasi: Wasi::new(&plugin, &observer, &meter, limits, granted),
            meter: meter.clone(),
            ticks: limits.ticks(),
            total_ticks: limits.total_ticks(),
            total: None,
            yields: false,
            progress: None,
            plugin: plugin.clone(),
            host: Box::new(HostState {
                data,
                plugin,
                meter,
                observer,
            }),
        }
    }

    /// Starts the time limit again, because the call moved bytes. If calls have time limits
    /// of their own, the oldest one's deadline counts.
    pub(crate) fn made_progress(store: &mut StoreContextMut<'_, Self>) {
        let state = store.data_mut();
        let mut deadline = Deadline::after(state.ticks);
        if let Some(progress) = &state.progress {
            deadline = progress.set(deadline, state.total);
        }
        state.wasi.set_deadline(deadline);
        // Asynchronous contracts yield with each tick, and compare the deadline themselves.
        if !state.yields {
            let ticks = deadline.ticks();
            store.set_epoch_deadline(ticks);
        }
    }

    /// Begins a call that may make progress. Returns the end of its time limit, for the
    /// thread that waits for it.
    pub(crate) fn begin_progress(store: &mut StoreContextMut<'_, Self>) -> Progress {
        let state = store.data_mut();
        state.total = state.total_ticks.map(Deadline::after);
        let progress = state.progress.get_or_insert_default().clone();
        Self::made_progress(store);
        progress
    }

    /// Begins a call without a total time.
    pub(crate) fn begin(&mut self, deadline: Deadline) {
        self.total = None;
        self.wasi.set_deadline(deadline);
    }

    /// Whether the time of the call ends with its total time, and not before.
    pub(crate) fn ends_with_total_time(&self) -> bool {
        self.total
            .is_some_and(|total| total <= self.wasi.deadline())
    }

    /// Fails if the total time of the call has ended. A guest may connect the host's ends
    /// of two streams, and then runs no code that could be interrupted.
    pub(crate) fn check_total_time(&self) -> wasmtime::Result<()> {
        match self.total.is_some_and(|total| total.ticks() == 0) {
            true => Err(Trap::Interrupt.into()),
            false => Ok(()),
        }
    }

    /// Returns the time limits of this instance's calls, and the deadline of a call that
    /// starts now and has a time limit of its own. Such calls have no total time.
    pub(crate) fn timing(&mut self) -> (Progress, Deadline) {
        self.total = None;
        let progress = self.progress.get_or_insert_default();
        (progress.clone(), Deadline::after(self.ticks))
    }

    /// Makes the guest yield with each tick.
    pub(crate) fn set_yields(&mut self) {
        self.yields = true;
    }

    /// Returns the plugin's name.
    pub(crate) fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Changes the plugin's name in later errors and log records.
    pub(crate) fn rename<D: 'static>(&mut self, plugin: &Arc<str>) {
        self.plugin.clone_from(plugin);
        self.wasi.rename(plugin);
        self.host_mut::<D>().plugin.clone_from(plugin);
    }

    /// Returns the state of a contract with this data.
    ///
    /// # Panics
    /// If the instance is one of a contract with other data.
    #[inline]
    #[must_use]
    pub fn host<D: 'static>(&self) -> &HostState<D> {
        self.host.downcast_ref().unwrap_or_else(|| of_another())
    }

    /// Returns the state of a contract with this data, for the `add_to_linker` of its
    /// bindings.
    ///
    /// # Panics
    /// If the instance is one of a contract with other data.
    #[inline]
    #[must_use]
    pub fn host_mut<D: 'static>(&mut self) -> &mut HostState<D> {
        self.host.downcast_mut().unwrap_or_else(|| of_another())
    }
}

#[cold]
fn of_another() -> ! {
    panic!("the store belongs to a contract with other data")
}

impl WasiView for StoreData {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.view()
    }
}

#[cfg(feature = "http")]
impl WasiHttpView for StoreData {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.wasi.http()
    }
}

impl HasWasi for StoreData {
    fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}
