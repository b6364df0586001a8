//! The WASI context of one instance. It is created at the guest's first call into WASI,
//! because compilers import WASI even into guests that never call it.

use std::sync::Arc;

#[cfg(feature = "http")]
use wasmtime::component::Resource;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::sockets::WasiSocketsCtxView;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
#[cfg(feature = "http")]
use wasmtime_wasi_http::WasiHttpCtxView;

use super::descriptors::{DescriptorBudget, Permit, Refused};
use super::files::{FileWaits, Files};
use super::folders::Folders;
use super::granted::Granted;
use super::http::{HttpState, HttpView};
use super::network::{Guard, HasSockets, Lookups, Sockets};
use super::output::LogStream;
use super::waiting::Timed;
use crate::Limits;
use crate::clock::Deadline;
use crate::log_meter::LogMeter;
use crate::observer::{Level, Observer};

/// The WASI state of one instance.
pub(crate) struct Wasi {
    /// `None` until the guest first calls into WASI.
    contexts: Option<Box<Contexts>>,
    output: LogStream,
    handles: usize,
    descriptors: usize,
    random: usize,
    /// The deadline of the current call.
    deadline: Deadline,
    /// Whether the current call is in a task of a tokio runtime.
    in_task: bool,
    granted: Arc<Granted>,
}

/// The data of a store whose guest may call into WASI.
pub(crate) trait HasWasi: WasiView + HttpView + 'static {
    fn wasi(&mut self) -> &mut Wasi;
}

impl<T: HasWasi> Timed for T {
    fn deadline(&mut self) -> Deadline {
        self.wasi().deadline()
    }

    fn is_in_task(&mut self) -> bool {
        self.wasi().in_task
    }
}

impl<T: HasWasi> HasSockets for T {
    fn own_sockets(&mut self) -> &mut Sockets {
        &mut self.wasi().contexts().sockets
    }

    fn take_socket(&mut self) -> Option<Result<Permit, Refused>> {
        let contexts = self.wasi().contexts();
        contexts.sockets.report_if_denied(&contexts.guard);
        let granted = contexts.guard.grants_anything();
        granted.then(|| contexts.budget.take(1))
    }
}

struct Contexts {
    table: ResourceTable,
    wasi: WasiCtx,
    #[cfg_attr(not(feature = "http"), expect(dead_code, reason = "it is empty"))]
    http: HttpState,
    guard: Guard,
    folders: Folders,
    sockets: Sockets,
    budget: Arc<DescriptorBudget>,
    granted: Arc<Granted>,
}

impl Drop for Contexts {
    fn drop(&mut self) {
        // Closing a file may block, so it happens on another thread.
        if self.budget.held() > 0 {
            let table = std::mem::replace(&mut self.table, ResourceTable::new());
            let sockets = std::mem::take(&mut self.sockets);
            self.granted.threads().discard((table, sockets));
        }
    }
}

impl Wasi {
    pub(crate) fn new(
        plugin: &Arc<str>,
        observer: &Arc<dyn Observer>,
        meter: &Arc<LogMeter>,
        limits: &Limits,
        granted: Arc<Granted>,
    ) -> Self {
        let output = LogStream::new(plugin, observer, meter);
        Self {
            contexts: None,
            output,
            handles: limits.handles,
            descriptors: limits.descriptors,
            random: limits.random,
            deadline: Deadline::default(),
            in_task: false,
            granted,
        }
    }

    /// Sets the deadline of the call that starts.
    #[inline]
    pub(crate) fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Sets whether the calls that follow are in a task of a tokio runtime.
    pub(crate) fn set_in_task(&mut self, in_task: bool) {
        self.in_task = in_task;
    }

    /// The deadline of the current call.
    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline
    }

    pub(crate) fn rename(&mut self, plugin: &Arc<str>) {
        self.output.rename(plugin);
    }

    /// Logs for the guest.
    pub(crate) fn log(&self, level: Level, message: &str) {
        self.output.log(level, message);
    }

    fn contexts(&mut self) -> &mut Contexts {
        let Self {
            contexts,
            output,
            handles,
            descriptors,
            random,
            deadline: _,
            in_task: _,
            granted,
        } = self;
        let create = || {
            let mut wasi = WasiCtx::builder();
            wasi.stdout(output.clone()).stderr(output.clone());
            let guard = granted.guard(output.plugin(), output.observer());
            wasi.max_random_size(*random as u64);
            let mut table = ResourceTable::new();
            table.set_max_capacity(*handles);
            let budget = DescriptorBudget::new(*descriptors);
            Box::new(Contexts {
                table,
                wasi: granted.context(&mut wasi, &guard),
                http: HttpState::new(&guard, &budget),
                guard,
                folders: granted.folders(),
                sockets: Sockets::default(),
                budget,
                granted: granted.clone(),
            })
        };
        contexts.get_or_insert_with(create)
    }
}

impl Wasi {
    pub(crate) fn view(&mut self) -> WasiCtxView<'_> {
        let contexts = self.contexts();
        WasiCtxView {
            ctx: &mut contexts.wasi,
            table: &mut contexts.table,
        }
    }

    #[cfg(feature = "http")]
    pub(crate) fn http(&mut self) -> WasiHttpCtxView<'_> {
        let contexts = self.contexts();
        contexts.http.view(&mut contexts.table)
    }

    #[cfg(feature = "http")]
    /// Counts bytes that a handle of `wasi:http` holds from now on.
    pub(super) fn add_http_memory(&mut self, bytes: usize) -> wasmtime::Result<()> {
        let Contexts { http, table, .. } = self.contexts();
        http.add_memory(table, bytes)
    }

    #[cfg(feature = "http")]
    /// Counts a request of WASI 0.3 that is sent next.
    pub(super) fn hold_http_request(
        &mut self,
        request: &Resource<wasmtime_wasi_http::p3::Request>,
    ) -> wasmtime::Result<()> {
        let Contexts { http, table, .. } = self.contexts();
        http.hold(table, request)
    }

    pub(super) fn lookups(&mut self) -> Lookups<'_> {
        let contexts = self.contexts();
        Lookups {
            guard: &contexts.guard,
            sockets: WasiSocketsCtxView {
                ctx: contexts.wasi.sockets(),
                table: &mut contexts.table,
            },
        }
    }

    pub(super) fn files(&mut self, waits: FileWaits) -> Files<'_> {
        let deadline = self.deadline;
        let contexts = self.contexts();
        Files {
            table: &mut contexts.table,
            guard: &contexts.guard,
            folders: &mut contexts.folders,
            budget: &contexts.budget,
            threads: contexts.granted.threads(),
            clocks: contexts.granted.clocks(),
            deadline,
            waits,
        }
    }
}
