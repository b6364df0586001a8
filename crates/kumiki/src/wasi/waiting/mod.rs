//! Ends waits in WASI functions at the call's deadline. The epoch deadline alone does not:
//! it interrupts compiled code, and a guest that sleeps runs none.
//!
//! This module replaces wasmtime's functions for streams and polling.
//! [`network`](crate::wasi::network) and [`files`](crate::wasi::files) keep the same
//! deadline. All other WASI functions return without waiting.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceTable, ResourceType};
use wasmtime::{StoreContextMut, Trap, bail};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::bindings::io::poll;
use wasmtime_wasi::p2::bindings::io::streams::{
    self, Host as _, HostInputStream, HostOutputStream, InputStream, OutputStream,
};
use wasmtime_wasi::p2::{DynPollable, StreamResult};
use wasmtime_wasi::runtime::{in_tokio, poll_noop, with_ambient_tokio_runtime};

use super::version::WASI_VERSION;
use crate::clock::{Deadline, TICK};

/// How the functions of a linker wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    /// They hold the calling thread.
    Blocking,
    /// They are futures, for asynchronous calls in a tokio runtime with timers.
    Async,
}

/// The data of a store whose calls have a deadline.
pub(crate) trait Timed: WasiView + 'static {
    /// The deadline of the current call.
    fn deadline(&mut self) -> Deadline;

    /// Whether the current call is in a task of a tokio runtime, whose thread must not be
    /// held.
    fn is_in_task(&mut self) -> bool;
}

/// How often work in a task is polled before it counts as waiting: a pollable may yield
/// once before it is ready.
const POLLS: usize = 3;

/// Waits for `work` on the calling thread. In a task, work that is not ready ends the call:
/// tokio would panic.
pub(super) fn hold_thread<R>(
    is_in_task: bool,
    work: impl Future<Output = wasmtime::Result<R>>,
) -> wasmtime::Result<R> {
    if !is_in_task {
        return in_tokio(work);
    }
    let mut work = pin!(work);
    let ready = (0..POLLS).find_map(|_| poll_noop(work.as_mut()));
    ready.unwrap_or_else(|| {
        bail!(
            "it waits by a blocking function of WASI 0.2, which would hold a task of the host; \
             plugins that are called in tasks wait by WASI 0.3"
        )
    })
}

/// Waits for `work` until the call's deadline.
pub(super) async fn until<R>(
    deadline: Deadline,
    work: impl Future<Output = wasmtime::Result<R>>,
) -> wasmtime::Result<R> {
    // Work that is ready completes even when no time remains: a pollable may yield once
    // before it is ready, and a busy machine may take a while for that.
    interrupt_after(deadline.remaining().max(TICK), work).await
}

/// Awaits `work` for at most this time. After it, the call ends with the same trap as in
/// compiled code.
pub(crate) async fn interrupt_after<R>(
    time: Duration,
    work: impl Future<Output = wasmtime::Result<R>>,
) -> wasmtime::Result<R> {
    timeout(time, work)
        .await
        .unwrap_or_else(|_| Err(Trap::Interrupt.into()))
}

/// Polls `work` in a runtime of tokio, which timers and new connections need. Calls of
/// plugins that use WASI 0.3 may be polled without one.
pub(super) async fn in_runtime<R>(work: impl Future<Output = R>) -> R {
    let mut work = pin!(work);
    poll_fn(|context| with_ambient_tokio_runtime(|| work.as_mut().poll(context))).await
}

/// Links a function that waits. Its body may use `await`, and ends at the call's deadline.
/// With `drop` before its parameters, it is the drop of a resource.
///
/// This is a macro because a function could not demand that the body's future is `Send`,
/// as asynchronous calls do, without a box around it for blocking calls too.
macro_rules! link_waiting {
    (
        $linker:expr, $waits:expr, $name:expr,
        ($state:ident: &mut $data:ty, $($parameter:ident: $type:ty),+) $body:block
    ) => {
        match $waits {
            $crate::wasi::Waits::Blocking => $linker.func_wrap(
                $name,
                |mut store: StoreContextMut<'_, $data>, ($($parameter,)+): ($($type,)+)| {
                    let $state = store.data_mut();
                    let is_in_task = $crate::wasi::waiting::Timed::is_in_task($state);
                    $crate::wasi::waiting::hold_thread(
                        is_in_task,
                        link_waiting!(@until_deadline $state $body),
                    )
                },
            ),
            $crate::wasi::Waits::Async => $linker.func_wrap_async(
                $name,
                |mut store: StoreContextMut<'_, $data>, ($($parameter,)+): ($($type,)+)| {
                    Box::new(async move {
                        let $state = store.data_mut();
                        link_waiting!(@until_deadline $state $body).await
                    })
                },
            ),
        }
    };
    (
        $linker:expr, $waits:expr, $name:expr,
        drop ($state:ident: &mut $data:ty, $this:ident: $resource:ty) $body:block
    ) => {{
        let kind = ResourceType::host::<$resource>();
        match $waits {
            $crate::wasi::Waits::Blocking => $linker.resource(
                $name,
                kind,
                |mut store: StoreContextMut<'_, $data>, handle| {
                    let ($state, $this) = (store.data_mut(), Resource::new_own(handle));
                    let is_in_task = $crate::wasi::waiting::Timed::is_in_task($state);
                    $crate::wasi::waiting::hold_thread(
                        is_in_task,
                        link_waiting!(@until_deadline $state $body),
                    )
                },
            ),
            $crate::wasi::Waits::Async => $linker.resource_async(
                $name,
                kind,
                |mut store: StoreContextMut<'_, $data>, handle| {
                    Box::new(async move {
                        let ($state, $this) = (store.data_mut(), Resource::new_own(handle));
                        link_waiting!(@until_deadline $state $body).await
                    })
                },
            ),
        }
    }};
    (@until_deadline $state:ident $body:block) => {
        $crate::wasi::waiting::until(
            $crate::wasi::waiting::Timed::deadline($state),
            async move $body,
        )
    };
}
pub(super) use link_waiting;

/// The result of a stream function.
type StreamReturn<R> = (Result<R, streams::StreamError>,);

/// Links the functions that wait instead of wasmtime's.
pub(crate) fn link<T: Timed>(linker: &mut Linker<T>, waits: Waits) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut poll = linker.instance(&format!("wasi:io/poll@{WASI_VERSION}"))?;
    link_poll(&mut poll, waits)?;
    let name = format!("wasi:io/streams@{WASI_VERSION}");
    link_input(&mut linker.instance(&name)?, waits)?;
    link_output(&mut linker.instance(&name)?, waits)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn link_poll<T: Timed>(linker: &mut LinkerInstance<'_, T>, waits: Waits) -> wasmtime::Result<()> {
    link_waiting!(linker, waits, "poll", (
        state: &mut T, pollables: Vec<Resource<DynPollable>>
    ) {
        let ready = poll::Host::poll(state.ctx().table, pollables).await?;
        Ok((ready,))
    })?;
    link_waiting!(linker, waits, "[method]pollable.block", (
        state: &mut T, this: Resource<DynPollable>
    ) {
        poll::HostPollable::block(state.ctx().table, this).await
    })
}

fn link_input<T: Timed>(linker: &mut LinkerInstance<'_, T>, waits: Waits) -> wasmtime::Result<()> {
    link_waiting!(linker, waits, "input-stream", drop (state: &mut T, this: InputStream) {
        HostInputStream::drop(state.ctx().table, this).await
    })?;
    link_waiting!(linker, waits, "[method]input-stream.blocking-read", (
        state: &mut T, this: Resource<InputStream>, len: u64
    ) {
        let table = state.ctx().table;
        let done = HostInputStream::blocking_read(table, this, len).await;
        returned(table, done)
    })?;
    link_waiting!(linker, waits, "[method]input-stream.blocking-skip", (
        state: &mut T, this: Resource<InputStream>, len: u64
    ) {
        let table = state.ctx().table;
        let done = HostInputStream::blocking_skip(table, this, len).await;
        returned(table, done)
    })
}

fn link_output<T: Timed>(linker: &mut LinkerInstance<'_, T>, waits: Waits) -> wasmtime::Result<()> {
    link_waiting!(linker, waits, "output-stream", drop (state: &mut T, this: OutputStream) {
        HostOutputStream::drop(state.ctx().table, this).await
    })?;
    link_waiting!(linker, waits, "[method]output-stream.blocking-write-and-flush", (
        state: &mut T, this: Resource<OutputStream>, bytes: Vec<u8>
    ) {
        let table = state.ctx().table;
        let done = HostOutputStream::blocking_write_and_flush(table, this, bytes).await;
        returned(table, done)
    })?;
    link_waiting!(linker, waits, "[method]output-stream.blocking-write-zeroes-and-flush", (
        state: &mut T, this: Resource<OutputStream>, len: u64
    ) {
        let table = state.ctx().table;
        let done = HostOutputStream::blocking_write_zeroes_and_flush(table, this, len).await;
        returned(table, done)
    })?;
    link_waiting!(linker, waits, "[method]output-stream.blocking-flush", (
        state: &mut T, this: Resource<OutputStream>
    ) {
        let table = state.ctx().table;
        let done = HostOutputStream::blocking_flush(table, this).await;
        returned(table, done)
    })?;
    link_waiting!(linker, waits, "[method]output-stream.blocking-splice", (
        state: &mut T, this: Resource<OutputStream>, from: Resource<InputStream>, len: u64
    ) {
        let table = state.ctx().table;
        let done = HostOutputStream::blocking_splice(table, this, from, len).await;
        returned(table, done)
    })
}

/// Converts the result of a stream function: stream errors are returned to the guest.
fn returned<R>(
    table: &mut ResourceTable,
    result: StreamResult<R>,
) -> wasmtime::Result<StreamReturn<R>> {
    match result {
        Ok(result) => Ok((Ok(result),)),
        Err(error) => Ok((Err(table.convert_stream_error(error)?),)),
    }
}

#[cfg(test)]
mod tests;
