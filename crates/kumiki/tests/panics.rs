//! An embedder's own host function that panics: the instance that it interrupted is
//! never called again, whoever catches the panic, and a pool loses no place.

use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use kumiki::wasmtime::component::{HasSelf, InstancePre, Linker};
use kumiki::{Contract, Error, Host, HostState, Plugin, Pool, PoolConfig, wasmtime};

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

/// A number that `help` panics at, and one that the contract's data panics at when
/// it is dropped.
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
            // Without the hook, which would print it.
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
    type Pre = bindings::WorkerPre<HostState<Helper>>;
    type Bindings = bindings::Worker;

    fn link(linker: &mut Linker<HostState<Helper>>) -> wasmtime::Result<()> {
        bindings::Worker::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
    }
    fn pre(pre: InstancePre<HostState<Helper>>) -> wasmtime::Result<Self::Pre> {
        bindings::WorkerPre::new(pre)
    }
    fn instantiate(
        pre: &Self::Pre,
        store: &mut wasmtime::Store<HostState<Helper>>,
    ) -> wasmtime::Result<Self::Bindings> {
        pre.instantiate(store)
    }
}

/// A guest that gives every number to `help` and then back. Its start code gives 0.
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

/// What comes of something that may panic.
fn caught<R>(act: impl FnOnce() -> R) -> Option<R> {
    panic::catch_unwind(AssertUnwindSafe(act)).ok()
}

#[test]
fn a_panic_in_a_host_function_poisons_its_instance() {
    let mut instance = plugin().instantiate(fatal_at(7)).expect("instantiates");
    let mut work = |number| instance.call("work", |worker, store| worker.call_work(store, number));
    assert_eq!(work(1).expect("answers"), 1);
    assert!(caught(|| work(7)).is_none(), "the panic reaches the caller");
    for number in [1, 7] {
        let error = work(number).expect_err("it is never called again");
        assert!(matches!(error, Error::Poisoned { .. }), "{error}");
    }
    assert!(instance.is_poisoned());
}

#[test]
fn a_panic_in_the_caller_s_closure_poisons_the_instance() {
    let mut instance = plugin().instantiate(fatal_at(7)).expect("instantiates");
    let panicked = caught(|| {
        instance.call("work", |worker, store| {
            worker.call_work(store, 1)?;
            panic::resume_unwind(Box::new("the closure"));
            #[allow(unreachable_code, reason = "says what the closure returns")]
            Ok(())
        })
    });
    assert!(panicked.is_none());
    assert!(instance.is_poisoned());
}

#[test]
fn a_panic_in_start_code_leaves_no_instance_and_harms_no_other() {
    let plugin = plugin();
    assert!(caught(|| plugin.instantiate(fatal_at(0))).is_none());
    let mut instance = plugin.instantiate(fatal_at(7)).expect("instantiates");
    let answer = instance.call("work", |worker, store| worker.call_work(store, 3));
    assert_eq!(answer.expect("answers"), 3);
}

/// A pool of one, so that a place that is lost is missed.
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
fn a_pool_keeps_no_instance_that_a_panic_went_through() {
    let pool = pool(|| fatal_at(7));
    // By itself, and held by somebody who catches the panic and gives it back later.
    assert!(caught(|| work(&pool, 7)).is_none());
    assert_eq!(pool.live(), 0);
    let mut held = pool.take().expect("there is a place");
    let panicked = caught(|| held.call("work", |worker, store| worker.call_work(store, 7)));
    assert!(panicked.is_none());
    drop(held);
    assert_eq!(pool.live(), 0);
    assert_eq!(work(&pool, 1).expect("answers"), 1);
    assert_eq!(pool.live(), 1);
}

#[test]
fn a_pool_loses_no_place_to_a_panic() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static MADE: AtomicU32 = AtomicU32::new(0);
    let pool = pool(|| match MADE.fetch_add(1, Ordering::Relaxed) {
        // Where the data are made, in the start code, and where they are dropped.
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
    let mut held = pool.take().expect("there is a place");
    let _ = caught(|| held.call("work", |worker, store| worker.call_work(store, 7)));
    assert!(caught(|| drop(held)).is_none(), "dropping its data panics");
    assert_eq!(pool.live(), 0);
    assert_eq!(work(&pool, 1).expect("answers"), 1);
}
