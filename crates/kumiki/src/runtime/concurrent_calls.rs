//! Calls of asynchronous functions, and of several functions of one instance at once.

use wasmtime::component::Accessor;
use wasmtime::{Result as WasmResult, Trap};

use super::contract::Contract;
use super::instance::Instance;
use super::progress_wait::{block_on, until_no_time_remains};
use crate::{Result, StoreData};

impl<C: Contract> Instance<C> {
    /// Calls asynchronous functions of a plugin, any number of them at once. `call`
    /// receives the contract's bindings and wasmtime's `Accessor`, with which `bindgen!`'s
    /// functions are called. The plugin must use asynchronous functions, streams or
    /// futures; otherwise the call fails.
    ///
    /// [`Limits::time`](crate::Limits::time) limits the time without progress: a
    /// [`ReadStream`](crate::ReadStream) or [`WriteStream`](crate::WriteStream) that moves
    /// bytes starts it again, and with a [`CallTimer`](crate::CallTimer) each of several
    /// calls has a limit of its own. All other limits apply to the whole call.
    ///
    /// A guest that waits by a blocking function of WASI 0.2 traps: it would hold the thread
    /// of the task. One trap or limit ends all calls of the instance. A future that is dropped before
    /// it completes poisons the instance, and so does the next call in another runtime of
    /// tokio.
    ///
    /// # Errors
    /// As for [`Instance::call`]; [`Error::NoRuntime`](crate::Error::NoRuntime).
    ///
    /// # Panics
    /// As for [`Instance::call`]; in a tokio runtime without timers and IO (`enable_all`).
    pub async fn call_concurrent<R>(
        &mut self,
        function: &str,
        call: impl AsyncFnOnce(&C::Bindings, &Accessor<StoreData>) -> WasmResult<R>,
    ) -> Result<R> {
        self.plugin().check_runtime()?;
        let progress = self.begin_concurrent()?;
        let (bindings, store) = self.exports();
        store.data_mut().wasi.set_in_task(true);
        let called = store.run_concurrent(async |accessor| call(bindings, accessor).await);
        let result = until_no_time_remains(called, &progress).await;
        store.data_mut().wasi.set_in_task(false);
        self.end_concurrent(function, result)
    }

    /// As [`Instance::call_concurrent`], for programs that are not asynchronous: blocks the
    /// thread. A call that only waits, without progress, ends at its time limit too.
    ///
    /// # Errors
    /// As for [`Instance::call`].
    ///
    /// # Panics
    /// As for [`Instance::call`].
    pub fn call_concurrent_blocking<R>(
        &mut self,
        function: &str,
        call: impl AsyncFnOnce(&C::Bindings, &Accessor<StoreData>) -> WasmResult<R>,
    ) -> Result<R> {
        let progress = self.begin_concurrent()?;
        let (bindings, store) = self.exports();
        let called = store.run_concurrent(async |accessor| call(bindings, accessor).await);
        let result = block_on(called, &progress);
        self.end_concurrent(function, result)
    }

    /// Ends a call; `result` is `None` if no time remained.
    fn end_concurrent<R>(
        &mut self,
        function: &str,
        result: Option<WasmResult<WasmResult<R>>>,
    ) -> Result<R> {
        let result = result.unwrap_or_else(|| Err(Trap::Interrupt.into()));
        self.end(function, result.and_then(|result| result))
    }
}
