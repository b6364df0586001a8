//! Host functions of an embedder that panic: the interrupted instance is never called
//! again, wherever the panic is caught, and a pool keeps its capacity.

use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use kumiki::wasmtime::component::{HasSelf, InstancePre, Linker};
use kumiki::{Contract, Error, Host, HostState, Plugin, Pool, PoolConfig, StoreData, wasmtime};

mod bindings {
    #![allow(missing_docs, reason = "generated")]
    kumiki::wasmtime::component::bindgen!({
        inline: r#"
            package test:panics;
            world worker {
                import help: func(number: u32);
                export work: func(number: u32) -> u32;
            }
        "#,
        wasmtime_crate: kumiki::wasmtime,
    });
}

/// The number at which `help` panics, and whether dropping the contract's data panics.
#[derive(Default)]
struct Helper {
    fatal: Option<u32>,
    fatal_to_drop: bool,
}

impl Drop for Helper {
    fn drop(&mut self) {
        if self.fatal_to_drop {
            panic::resume_unwind(Box::new("dropped"));
        }
    }
}

impl bindings::WorkerImports for HostState<Helper> {
    fn help(&mut self, number: u32) {
        if self.data.fatal == Some(number) {
            // Does not call the panic hook, which would print the panic.
            panic::resume_unwind(Box::new("the host function"));
        }
    }
}

struct Worker;

impl Contract for Worker {
    const WIT: &'static str = "
        package test:panics;
        world worker {
            import help: func(number: u32);
            export work: func(number: u32) -> u32;
        }";
    const WORLD: &'static str = "worker";
    type Data = Helper;
    type Pre = bindings::WorkerPre<StoreData>;
    type Bindings = bindings::Worker;

    fn link(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
        bindings::Worker::add_to_linker::<_, HasSelf<HostState<Helper>>>(linker, |store| {
            store.host_mut()
        })
    }
    fn pre(pre: InstancePre<StoreData>) -> wasmtime::Result<Self::Pre> {
        bindings::WorkerPre::new(pre)
    }
    fn instantiate(
        pre: &Self::Pre,
        store: &mut wasmtime::Store<StoreData>,
    ) -> wasmtime::Result<Self::Bindings> {
        pre.instantiate(store)
    }
}

/// A guest that passes every number to `help` and returns it. Its start code passes 0.
fn plugin() -> Plugin<Worker> {
    let component = test_components::build(
        Worker::WIT,
        Worker::WORLD,
        r#"(import "$root" "help" (func $help (param i32)))
           (func $begin (call $help (i32.const 0)))
           (start $begin)
           (func (export "work") (param i32) (result i32)
               (call $help (local.get 0)) (local.get 0))"#,
    );
    let host = Host::<Worker>::new().expect("the host starts");
    host.load_bytes("worker.wasm", &component).expect("loads")
}

fn fatal_at(number: u32) -> Helper {
    Helper {
        fatal: Some(number),
        ..Helper::default()
    }
}

/// Returns the result of a closure, or `None` if it panics.
fn caught<R>(act: impl FnOnce() -> R) -> Option<R> {
    panic::catch_unwind(AssertUnwindSafe(act)).ok()
}

#[test]
fn panic_in_a_host_function_poisons_the_instance() {
    let mut instance = plugin().instantiate(fatal_at(7)).expect("instantiates");
    let mut work = |number| instance.call("work", |worker, store| worker.call_work(store, number));
    assert_eq!(work(1).expect("answers"), 1);
    assert!(caught(|| work(7)).is_none(), "the panic reaches the caller");
    for number in [1, 7] {
        let error = work(number).expect_err("the instance is poisoned");
        assert!(matches!(error, Error::Poisoned { .. }), "{error}");
    }
    assert!(instance.is_poisoned());
}

#[test]
fn panic_in_the_closure_poisons_the_instance() {
    let mut instance = plugin().instantiate(fatal_at(7)).expect("instantiates");
    let panicked = caught(|| {
        instance.call("work", |worker, store| {
            worker.call_work(store, 1)?;
            panic::resume_unwind(Box::new("the closure"));
            #[allow(unreachable_code, reason = "the closure's return type")]
            Ok(())
        })
    });
    assert!(panicked.is_none());
    assert!(instance.is_poisoned());
}

#[test]
fn panic_in_start_code_does_not_affect_other_instances() {
    let plugin = plugin();
    assert!(caught(|| plugin.instantiate(fatal_at(0))).is_none());
    let mut instance = plugin.instantiate(fatal_at(7)).expect("instantiates");
    let answer = instance.call("work", |worker, store| worker.call_work(store, 3));
    assert_eq!(answer.expect("answers"), 3);
}

/// A pool with one instance, so that lost capacity is noticed.
fn pool(data: impl Fn() -> Helper + Send + Sync + 'static) -> Pool<Worker> {
    let config = PoolConfig::default()
        .with_max_instances(1)
        .with_timeout(Duration::from_millis(100));
    Pool::new(plugin(), config, data)
}

fn work(pool: &Pool<Worker>, number: u32) -> kumiki::Result<u32> {
    pool.call("work", |worker, store| worker.call_work(store, number))
}

#[test]
fn pool_drops_an_instance_after_a_panic() {
    let pool = pool(|| fatal_at(7));
    // With `Pool::call`, and with an instance that is returned after the panic is caught.
    assert!(caught(|| work(&pool, 7)).is_none());
    assert_eq!(pool.live(), 0);
    let mut held = pool.take().expect("an instance");
    let panicked = caught(|| held.call("work", |worker, store| worker.call_work(store, 7)));
    assert!(panicked.is_none());
    drop(held);
    assert_eq!(pool.live(), 0);
    assert_eq!(work(&pool, 1).expect("answers"), 1);
    assert_eq!(pool.live(), 1);
}

#[test]
fn pool_keeps_its_capacity_after_a_panic() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static CREATED: AtomicU32 = AtomicU32::new(0);
    let pool = pool(|| match CREATED.fetch_add(1, Ordering::Relaxed) {
        // Panics when the data is created, in the start code, and when it is dropped.
        0 => panic::resume_unwind(Box::new("the data")),
        1 => fatal_at(0),
        2 => Helper {
            fatal: Some(7),
            fatal_to_drop: true,
        },
        _ => fatal_at(7),
    });
    for _ in 0..2 {
        assert!(caught(|| work(&pool, 1)).is_none());
        assert_eq!(pool.live(), 0);
    }
    let mut held = pool.take().expect("an instance");
    let _ = caught(|| held.call("work", |worker, store| worker.call_work(store, 7)));
    assert!(caught(|| drop(held)).is_none(), "dropping its data panics");
    assert_eq!(pool.live(), 0);
    assert_eq!(work(&pool, 1).expect("answers"), 1);
}
