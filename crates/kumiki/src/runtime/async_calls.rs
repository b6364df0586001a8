//! Asynchronous calls, for contracts whose host functions may await.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use wasmtime::{Store, Trap};

use super::contract::{AsyncContract, Contract};
use super::instance::{self, Instance};
use super::plugin::Plugin;
use crate::clock::TICK;
use crate::wasi::interrupt_after;
use crate::{Error, Result, StoreData};

impl<C: Contract> Plugin<C> {
    pub(super) fn check_runtime(&self) -> Result<()> {
        Handle::try_current()
            .map(drop)
            .map_err(|_| Error::NoRuntime {
                plugin: self.name().to_owned(),
            })
    }
}

impl<C: AsyncContract> Plugin<C> {
    /// Creates an instance of an asynchronous contract, as [`Plugin::instantiate`] does.
    ///
    /// # Errors
    /// As for [`Plugin::instantiate`]; [`Error::NoRuntime`].
    ///
    /// # Panics
    /// In a tokio runtime without timers and IO (`enable_all`), if the start code waits.
    pub async fn instantiate_async(&self, data: C::Data) -> Result<Instance<C>> {
        self.check_granted()?;
        self.check_runtime()?;
        let placement = self.placement();
        let mut store = instance::store(self, placement.template.engine(), data)?;
        let start = C::instantiate_async(&placement.template.pre, &mut store);
        let made = within(self.host().limits().time, start).await;
        Instance::new(self.clone(), store, made, placement.reservation)
    }
}

impl<C: AsyncContract> Instance<C> {
    /// Calls into the guest, as [`Instance::call`] does, from a task of a tokio runtime.
    /// While a host function or a function of WASI waits, other tasks run; while the guest
    /// computes, they run once per [tick](crate::TICK).
    ///
    /// [`Limits::time`](crate::Limits::time) limits the whole call, including the time for
    /// which host functions wait.
    ///
    /// A call that is dropped before it completes poisons the instance. For a timeout of
    /// your own, put it around `call_async` and not around the call in the closure: an
    /// instance that the closure left in the middle of a call is poisoned by the next one.
    /// An error of the closure itself poisons the instance too.
    ///
    /// # Errors
    /// As for [`Instance::call`]; [`Error::NoRuntime`].
    ///
    /// # Panics
    /// As for [`Instance::call`]; in a tokio runtime without timers and
    /// IO (`enable_all`), if the call waits.
    pub async fn call_async<R>(
        &mut self,
        function: &str,
        call: impl AsyncFnOnce(&C::Bindings, &mut Store<StoreData>) -> wasmtime::Result<R>,
    ) -> Result<R> {
        self.plugin().check_runtime()?;
        self.begin()?;
        let limit = self.plugin().host().limits().time;
        let (bindings, store) = self.exports();
        let result = within(limit, call(bindings, store)).await;
        match self.end(function, result) {
            // The closure may have dropped a call that the guest had begun.
            Err(error @ Error::Call { .. }) => {
                self.poison();
                Err(error)
            }
            Err(Error::Trap {
                code: Some(Trap::CannotEnterComponent),
                ..
            }) => Err(self.poisoned_error()),
            result => result,
        }
    }
}

/// Awaits a call until its time limit, which a host function that never completes would
/// exceed.
async fn within<R>(
    limit: Duration,
    call: impl Future<Output = wasmtime::Result<R>>,
) -> wasmtime::Result<R> {
    let mut call = pin!(call);
    // Most calls complete at once, without a timer.
    let first = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
    if let Poll::Ready(result) = first {
        return result;
    }
    // The guest and WASI end within the limit by themselves.
    interrupt_after(limit.saturating_add(TICK), call).await
}
