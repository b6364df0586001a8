//! Instances of guests, for tests of WASI functions.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{Component, InstancePre, Linker};

use super::{Granted, Waits, link, link_unknown_imports};
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

/// Creates a store whose guest has these grants. Its calls have no deadline in compiled code.
pub(super) fn store(granted: &Arc<Granted>) -> Store<StoreData> {
    crate::clock::start().unwrap();
    let (limits, budget) = (Limits::default(), Budget::new(usize::MAX));
    let (name, observer) = ("guest".into(), Arc::new(Silent));
    let state = StoreData::new((), name, &limits, &budget, observer, granted.clone());
    let mut store = Store::new(engine().as_wasmtime(), state);
    store.set_epoch_deadline(u64::MAX / 2);
    store
}

/// Runs `work` in a tokio runtime of this thread.
pub(super) fn in_runtime<R>(work: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work)
}
