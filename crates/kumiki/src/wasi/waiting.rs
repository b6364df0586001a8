//! Ends waits in WASI functions at the call's deadline. The epoch deadline alone does not:
//! it interrupts compiled code, and a guest that sleeps runs none.
//!
//! This module replaces wasmtime's functions for streams and polling.
//! [`network`](crate::wasi::network) and [`files`](crate::wasi::files) keep the same
//! deadline. All other WASI functions return without waiting.

use tokio::time::timeout;
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceTable, ResourceType};
use wasmtime::{StoreContextMut, Trap};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::bindings::io::poll;
use wasmtime_wasi::p2::bindings::io::streams::{
    self, Host as _, HostInputStream, HostOutputStream, InputStream, OutputStream,
};
use wasmtime_wasi::p2::{DynPollable, StreamResult};
use wasmtime_wasi::runtime::in_tokio;

use super::interfaces::WASI_VERSION;
use crate::clock::{Deadline, TICK};

/// The data of a store whose calls have a deadline.
pub(crate) trait Timed: WasiView + 'static {
    /// The deadline of the current call.
    fn deadline(&mut self) -> Deadline;
}

/// The result of a stream function.
type StreamReturn<R> = (Result<R, streams::StreamError>,);

/// Links the functions that wait instead of wasmtime's.
pub(crate) fn link<T: Timed>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    link_poll(&mut linker.instance(&format!("wasi:io/poll@{WASI_VERSION}"))?)?;
    let name = format!("wasi:io/streams@{WASI_VERSION}");
    link_input(&mut linker.instance(&name)?)?;
    link_output(&mut linker.instance(&name)?)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn link_poll<T: Timed>(linker: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "poll",
        |store: StoreContextMut<'_, _>, (pollables,): (Vec<Resource<DynPollable>>,)| {
            let ready = wait(store, async |state| {
                poll::Host::poll(state.ctx().table, pollables).await
            })?;
            Ok((ready,))
        },
    )?;
    linker.func_wrap(
        "[method]pollable.block",
        |store: StoreContextMut<'_, _>, (this,): (Resource<DynPollable>,)| {
            wait(store, async |state| {
                poll::HostPollable::block(state.ctx().table, this).await
            })
        },
    )
}

fn link_input<T: Timed>(linker: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    type Parameters = (Resource<InputStream>, u64);
    linker.resource(
        "input-stream",
        ResourceType::host::<InputStream>(),
        |store, number| {
            wait(store, async |state: &mut T| {
                HostInputStream::drop(state.ctx().table, Resource::new_own(number)).await
            })
        },
    )?;
    linker.func_wrap(
        "[method]input-stream.blocking-read",
        |store: StoreContextMut<'_, _>, (this, len): Parameters| {
            streamed(store, async |table| {
                HostInputStream::blocking_read(table, this, len).await
            })
        },
    )?;
    linker.func_wrap(
        "[method]input-stream.blocking-skip",
        |store: StoreContextMut<'_, _>, (this, len): Parameters| {
            streamed(store, async |table| {
                HostInputStream::blocking_skip(table, this, len).await
            })
        },
    )
}

fn link_output<T: Timed>(linker: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    type Output = Resource<OutputStream>;
    linker.resource(
        "output-stream",
        ResourceType::host::<OutputStream>(),
        |store, number| {
            wait(store, async |state: &mut T| {
                HostOutputStream::drop(state.ctx().table, Resource::new_own(number)).await
            })
        },
    )?;
    linker.func_wrap(
        "[method]output-stream.blocking-write-and-flush",
        |store: StoreContextMut<'_, _>, (this, bytes): (Output, Vec<u8>)| {
            streamed(store, async |table| {
                HostOutputStream::blocking_write_and_flush(table, this, bytes).await
            })
        },
    )?;
    linker.func_wrap(
        "[method]output-stream.blocking-write-zeroes-and-flush",
        |store: StoreContextMut<'_, _>, (this, len): (Output, u64)| {
            streamed(store, async |table| {
                HostOutputStream::blocking_write_zeroes_and_flush(table, this, len).await
            })
        },
    )?;
    linker.func_wrap(
        "[method]output-stream.blocking-flush",
        |store: StoreContextMut<'_, _>, (this,): (Output,)| {
            streamed(store, async |table| {
                HostOutputStream::blocking_flush(table, this).await
            })
        },
    )?;
    linker.func_wrap(
        "[method]output-stream.blocking-splice",
        |store: StoreContextMut<'_, _>, (this, from, len): (Output, Resource<InputStream>, u64)| {
            streamed(store, async |table| {
                HostOutputStream::blocking_splice(table, this, from, len).await
            })
        },
    )
}

/// Waits for `work` until the call's deadline. After it, the call ends with the same trap
/// as in compiled code.
pub(crate) fn wait<T: Timed, R>(
    mut store: StoreContextMut<'_, T>,
    work: impl AsyncFnOnce(&mut T) -> wasmtime::Result<R>,
) -> wasmtime::Result<R> {
    let state = store.data_mut();
    // Work that is ready completes even when no time remains: a pollable may yield once
    // before it is ready, and a busy machine may take a while for that.
    let remaining = state.deadline().remaining().max(TICK);
    in_tokio(async { timeout(remaining, work(state)).await })
        .unwrap_or_else(|_| Err(Trap::Interrupt.into()))
}

/// Like [`wait`], for a stream function: stream errors are returned to the guest.
fn streamed<T: Timed, R>(
    store: StoreContextMut<'_, T>,
    work: impl AsyncFnOnce(&mut ResourceTable) -> StreamResult<R>,
) -> wasmtime::Result<StreamReturn<R>> {
    wait(store, async |state| {
        let table = state.ctx().table;
        match work(table).await {
            Ok(result) => Ok((Ok(result),)),
            Err(error) => Ok((Err(table.convert_stream_error(error)?),)),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use wasmtime::Store;
    use wasmtime::component::Component;

    use super::*;
    use crate::{Budget, Engine, EngineConfig, Limits, Silent, StoreData};

    /// Exports `sleep`, which sleeps for the given nanoseconds.
    const SLEEPER: &str = r#"(component
        (import "wasi:io/poll@0.2.0" (instance $poll
            (export "pollable" (type $p (sub resource)))
            (export "[method]pollable.block" (func (param "self" (borrow $p))))))
        (alias export $poll "pollable" (type $pollable))
        (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
            (alias outer 1 $pollable (type $outer))
            (export "pollable" (type $p (eq $outer)))
            (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
        (core module $m
            (import "" "subscribe" (func $subscribe (param i64) (result i32)))
            (import "" "block" (func $block (param i32)))
            (func (export "sleep") (param i64)
                (call $block (call $subscribe (local.get 0)))))
        (core func $subscribe (canon lower (func $clock "subscribe-duration")))
        (core func $block (canon lower (func $poll "[method]pollable.block")))
        (core instance $i (instantiate $m (with "" (instance
            (export "subscribe" (func $subscribe))
            (export "block" (func $block))))))
        (func (export "sleep") (param "nanoseconds" u64) (canon lift (core func $i "sleep"))))"#;

    fn sleep(ticks: u64, nanoseconds: u64) -> wasmtime::Result<()> {
        crate::clock::start().unwrap();
        let engine = Engine::shared(&EngineConfig::default()).unwrap();
        let mut linker = Linker::<StoreData>::new(engine.as_wasmtime());
        crate::wasi::link(&mut linker).unwrap();
        let bytes = test_components::parse(SLEEPER);
        let component = Component::from_binary(engine.as_wasmtime(), &bytes).unwrap();
        let (limits, silent) = (Limits::default(), Arc::new(Silent));
        let budget = Budget::new(usize::MAX);
        let state = StoreData::new(
            (),
            "sleeper".into(),
            &limits,
            &budget,
            silent,
            Arc::default(),
        );
        let mut store = Store::new(engine.as_wasmtime(), state);
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = linker.instantiate(&mut store, &component).unwrap();
        let sleep = instance
            .get_typed_func::<(u64,), ()>(&mut store, "sleep")
            .unwrap();
        store.data_mut().wasi.set_deadline(Deadline::after(ticks));
        sleep.call(&mut store, (nanoseconds,))
    }

    #[test]
    fn sleep_ends_at_the_deadline() {
        const HOUR: u64 = 3_600_000_000_000;
        let start = Instant::now();
        let error = sleep(5, HOUR).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt));
        assert!(start.elapsed() >= TICK * 4, "{:?}", start.elapsed());
        // A sleep before the deadline completes, and so does one of zero at the deadline.
        sleep(1_000_000, 1_000_000).unwrap();
        sleep(0, 0).unwrap();
    }
}
