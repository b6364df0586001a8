//! Instances of guests, for tests of WASI functions.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use wasmtime::Store;
use wasmtime::component::{Accessor, Component, InstancePre, Linker};

use super::{Granted, Waits, link, link_0_3, link_unknown_imports};
use crate::observer::{Event, LogRecord, Observer};
use crate::{Budget, Engine, EngineConfig, Limits, Silent, StoreData};

fn engine() -> Engine {
    let config = EngineConfig::default().with_slots(64);
    Engine::shared(&config.with_async_stacks(true)).unwrap()
}

/// Links WASI for a component. Its other imports trap.
pub(super) fn pre(waits: Waits, component: &[u8]) -> InstancePre<StoreData> {
    let engine = engine();
    let mut linker = Linker::new(engine.as_wasmtime());
    link(&mut linker, waits).unwrap();
    let component = Component::from_binary(engine.as_wasmtime(), component).unwrap();
    link_unknown_imports(&mut linker, &component).unwrap();
    linker.instantiate_pre(&component).unwrap()
}

/// The engine for components that use asynchronous functions.
fn concurrent_engine() -> Engine {
    engine().for_plugin(true).unwrap()
}

/// Links WASI 0.2 and 0.3 for a component.
pub(super) fn concurrent_pre(component: &[u8]) -> wasmtime::Result<InstancePre<StoreData>> {
    let engine = concurrent_engine();
    let mut linker = Linker::new(engine.as_wasmtime());
    link(&mut linker, Waits::Blocking)?;
    link_0_3(&mut linker)?;
    let component = Component::from_binary(engine.as_wasmtime(), component)?;
    linker.instantiate_pre(&component)
}

/// Calls `run` of a component of [`test_components::wasi_0_3`], without a runtime of tokio,
/// in an instance with these grants. Returns `None` if it does not return in time.
pub(super) fn run(
    store: &mut Store<StoreData>,
    component: &[u8],
    argument: u64,
    time: Duration,
) -> Option<wasmtime::Result<u64>> {
    let called = async {
        let pre = concurrent_pre(component)?;
        let instance = pre.instantiate_async(&mut *store).await?;
        let run = instance.get_typed_func::<(u64,), (u64,)>(&mut *store, "run")?;
        let called =
            async |accessor: &Accessor<StoreData>| run.call_concurrent(accessor, (argument,)).await;
        let (result,) = store.run_concurrent(called).await??;
        Ok(result)
    };
    poll_for(called, time)
}

/// Polls a future on this thread, for at most this time.
fn poll_for<R>(work: impl Future<Output = R>, time: Duration) -> Option<R> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (end, mut work) = (Instant::now() + time, pin!(work));
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(result);
        }
        let remaining = end.checked_duration_since(Instant::now())?;
        thread::park_timeout(remaining);
    }
}

/// Creates a store for [`run`] whose guest has these grants.
pub(super) fn concurrent_store(granted: &Arc<Granted>) -> Store<StoreData> {
    concurrent_store_with(granted, &Limits::default(), Arc::new(Silent))
}

/// Creates a store for [`run`] whose guest has these grants and limits.
pub(super) fn concurrent_store_with(
    granted: &Arc<Granted>,
    limits: &Limits,
    observer: Arc<dyn Observer>,
) -> Store<StoreData> {
    store_with(&concurrent_engine(), granted, limits, observer)
}

/// Creates a store whose guest has these grants. Its calls have no deadline in compiled code.
pub(super) fn store(granted: &Arc<Granted>) -> Store<StoreData> {
    store_with(&engine(), granted, &Limits::default(), Arc::new(Silent))
}

fn store_with(
    engine: &Engine,
    granted: &Arc<Granted>,
    limits: &Limits,
    observer: Arc<dyn Observer>,
) -> Store<StoreData> {
    crate::clock::start().unwrap();
    let (name, budget) = ("guest".into(), Budget::new(usize::MAX));
    let state = StoreData::new((), name, limits, &budget, observer, granted.clone());
    let mut store = Store::new(engine.as_wasmtime(), state);
    store.set_epoch_deadline(u64::MAX / 2);
    store.set_max_component_handles(limits.handles);
    store
}

/// Runs `work` in a tokio runtime of this thread.
pub(super) fn in_runtime<R>(work: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work)
}

/// An observer that collects denials and log records.
#[derive(Default)]
pub(super) struct Denials {
    denials: Mutex<Vec<String>>,
    log: Mutex<Vec<String>>,
}

impl Denials {
    pub(super) fn all(&self) -> Vec<String> {
        self.denials.lock().unwrap().clone()
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl Observer for Denials {
    fn event(&self, event: &Event<'_>) {
        if let Event::Denied { denial, .. } = event {
            self.denials.lock().unwrap().push(format!("{denial:?}"));
        }
    }

    fn log(&self, record: &LogRecord<'_>) {
        self.log.lock().unwrap().push(record.message.to_owned());
    }
}
