//! The state of `wasi:http` of one instance.

use std::sync::Arc;

use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi_http::p3::Request;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView};

use super::{HandleMemory, Outgoing};
use crate::wasi::descriptors::DescriptorBudget;
use crate::wasi::network::Guard;

pub(crate) struct HttpState {
    context: WasiHttpCtx,
    outgoing: Outgoing,
    memory: HandleMemory,
}

impl HttpState {
    pub(crate) fn new(guard: &Guard, budget: &Arc<DescriptorBudget>) -> Self {
        Self {
            context: WasiHttpCtx::new(),
            outgoing: Outgoing::new(guard.clone(), budget.clone()),
            memory: HandleMemory::default(),
        }
    }

    pub(crate) fn view<'a>(&'a mut self, table: &'a mut ResourceTable) -> WasiHttpCtxView<'a> {
        WasiHttpCtxView {
            hooks: &mut self.outgoing,
            table,
            ctx: &mut self.context,
        }
    }

    /// Counts a request of WASI 0.3 that is sent next, until its response was received.
    pub(crate) fn hold(
        &mut self,
        table: &mut ResourceTable,
        request: &Resource<Request>,
    ) -> wasmtime::Result<()> {
        self.outgoing.held = Some(self.memory.hold(table, request)?);
        Ok(())
    }

    /// Counts bytes that a handle holds from now on.
    pub(crate) fn add_memory(
        &mut self,
        table: &mut ResourceTable,
        bytes: usize,
    ) -> wasmtime::Result<()> {
        self.memory.add(table, bytes)
    }
}
