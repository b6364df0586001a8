//! Instances of a small contract: in slots and outside them, the errors of calls, and
//! which of them poison an instance.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use kumiki::wasmtime::component::{HasSelf, InstancePre, Linker};
use kumiki::{
    Contract, Engine, EngineConfig, Error, Event, Host, HostState, Instance, Limit, Limits,
    Observer, Plugin, Pool, PoolConfig, StoreData, wasmtime,
};

mod bindings {
    #![allow(missing_docs, reason = "generated")]
    kumiki::wasmtime::component::bindgen!({
        inline: r#"
            package test:instances;
            world worker {
                import help: func(number: u32);
                export work: func(number: u32) -> string;
            }
        "#,
        imports: { default: trappable },
        wasmtime_crate: kumiki::wasmtime,
    });
}

/// A custom error with a cause.
#[derive(Debug)]
struct Refused(u32, std::io::Error);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "number {} is refused", self.0)
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.1)
    }
}

fn refused(number: u32) -> wasmtime::Error {
    Refused(number, std::io::ErrorKind::NotFound.into()).into()
}

/// Counts the calls of `help`, which refuses numbers from 100 on.
#[derive(Clone, Default)]
struct Helper(Arc<AtomicU32>);

impl bindings::WorkerImports for HostState<Helper> {
    fn help(&mut self, number: u32) -> wasmtime::Result<()> {
        self.data.0.fetch_add(1, Ordering::Relaxed);
        match number {
            0..100 => Ok(()),
            100..200 => Err(refused(number)),
            _ => Err(refused(number).context("a message")),
        }
    }
}

struct Worker;

impl Contract for Worker {
    const WIT: &'static str = "
        package test:instances;
        world worker {
            import help: func(number: u32);
            export work: func(number: u32) -> string;
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

/// Counts the events of ended instances and of full slots.
#[derive(Clone, Default)]
struct Events {
    ended: Arc<AtomicUsize>,
    full: Arc<AtomicUsize>,
}

impl Observer for Events {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::InstanceEnded { .. } => self.ended.fetch_add(1, Ordering::Relaxed),
            Event::SlotsFull { .. } => self.full.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

/// A guest that passes every number to `help`; its start code passes 0. For 1 it traps,
/// for 2 it returns an invalid string, and for 3 it requests too much memory and passes
/// 150 to `help`.
fn component() -> Vec<u8> {
    test_components::build(
        Worker::WIT,
        Worker::WORLD,
        r#"(import "$root" "help" (func $help (param i32)))
           (func $begin (call $help (i32.const 0)))
           (start $begin)
           (func (export "work") (param $number i32) (result i32)
               (if (i32.eq (local.get $number) (i32.const 1)) (then unreachable))
               (if (i32.eq (local.get $number) (i32.const 3)) (then
                   (drop (memory.grow (i32.const 65535)))
                   (local.set $number (i32.const 150))))
               (call $help (local.get $number))
               (i32.store8 (i32.const 64) (i32.const 0xff))
               (i32.store (i32.const 16) (i32.const 64))
               (i32.store (i32.const 20) (i32.eq (local.get $number) (i32.const 2)))
               (i32.const 16))"#,
    )
}

/// `component` with an additional core module, instantiated after the others.
fn with_module(mut component: Vec<u8>, text: &str) -> Vec<u8> {
    let module = test_components::parse(text);
    let begins = |bytes: &&[u8]| *bytes == b"\0asm\x01\0\0\0";
    let before = component.windows(8).filter(begins).count();
    component.extend([1, u8::try_from(module.len()).expect("a short module")]);
    component.extend(module);
    // A section with one core instance of that module, without arguments.
    component.extend([2, 4, 1, 0, before as u8, 0]);
    component
}

fn plugin(events: &Events) -> Plugin<Worker> {
    let host = Host::<Worker>::builder().observer(events.clone()).build();
    let host = host.expect("the host starts");
    host.load_bytes("worker.wasm", &component()).expect("loads")
}

fn work(instance: &mut Instance<Worker>, number: u32) -> kumiki::Result<String> {
    instance.call("work", |worker, store| worker.call_work(store, number))
}

#[test]
fn start_code_runs_once_if_a_slot_is_missing() {
    let events = Events::default();
    let host = Host::<Worker>::builder().slots(1).observer(events.clone());
    let host = host.build().expect("the host starts");
    // The start code uses the first memory; there is no slot for the second.
    let component = with_module(component(), "(module (memory 1))");
    let plugin = host.load_bytes("two", &component).expect("loads");
    for _ in 0..3 {
        let helper = Helper::default();
        let instance = plugin.instantiate(helper.clone());
        let mut instance = instance.expect("an instance outside the slots");
        assert_eq!(helper.0.load(Ordering::Relaxed), 1, "the start code");
        assert_eq!(work(&mut instance, 7).expect("answers"), "");
        assert_eq!(helper.0.load(Ordering::Relaxed), 2);
    }
    assert_eq!(events.full.load(Ordering::Relaxed), 1);
}

#[test]
fn dropped_instances_free_their_slots() {
    let host = Host::<Worker>::builder().slots(3).build();
    let host = host.expect("the host starts");
    let plugin = host.load_bytes("worker", &component()).expect("loads");
    let metrics = host.engine().as_wasmtime().pooling_allocator_metrics();
    let metrics = metrics.expect("there are slots");
    for _ in 0..3 {
        let make = |_| plugin.instantiate(Helper::default()).expect("instantiates");
        let all: Vec<_> = (0..5).map(make).collect();
        assert_eq!(metrics.memories(), 3, "two are outside the slots");
        drop(all);
        assert_eq!(metrics.memories(), 0);
    }
}

#[test]
fn host_function_error_is_the_source_of_the_trap() {
    let events = Events::default();
    for (number, causes) in [(100, 0), (200, 1)] {
        let mut instance = plugin(&events)
            .instantiate(Helper::default())
            .expect("instantiates");
        let error = work(&mut instance, number).expect_err("it is refused");
        assert!(matches!(error, Error::Trap { code: None, .. }), "{error:?}");
        assert_eq!(
            error.backtrace().map(|text| text.contains("0:")),
            Some(true)
        );
        // An error that is only a message has no typed source.
        let mut cause = error.source();
        assert_eq!(cause.is_some(), causes == 0, "{number}");
        if let Some(cause) = cause.take() {
            let Refused(number, _) = cause.downcast_ref().expect("a `Refused`");
            assert_eq!(*number, 100);
            assert!(cause.source().expect("a cause").is::<std::io::Error>());
        }
        assert!(instance.is_poisoned());
    }
    assert_eq!(events.ended.load(Ordering::Relaxed), 2);
}

#[test]
fn trap_has_its_code() {
    let events = Events::default();
    let mut instance = plugin(&events)
        .instantiate(Helper::default())
        .expect("instantiates");
    let error = work(&mut instance, 1).expect_err("it traps");
    let Error::Trap { code, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*code, Some(wasmtime::Trap::UnreachableCodeReached));
    assert!(error.source().is_none());
    assert!(instance.is_poisoned());
    assert_eq!(events.ended.load(Ordering::Relaxed), 1);
}

#[test]
fn error_of_the_closure_does_not_poison() {
    let events = Events::default();
    let mut instance = plugin(&events)
        .instantiate(Helper::default())
        .expect("instantiates");
    let error = instance.call("work", |worker, store| {
        worker.call_work(store, 7)?;
        Err::<(), _>(refused(12))
    });
    let error = error.expect_err("the closure fails");
    assert!(
        matches!(&error, Error::Call { function, .. } if function == "work"),
        "{error:?}"
    );
    let cause = error.source().expect("a cause");
    assert_eq!(cause.downcast_ref::<Refused>().map(|it| it.0), Some(12));
    assert!(!instance.is_poisoned());
    assert_eq!(work(&mut instance, 7).expect("answers"), "");
    assert_eq!(instance.calls(), 2);
    assert_eq!(events.ended.load(Ordering::Relaxed), 0);
}

/// wasmtime has no error type for an invalid value, so an error that is only a message
/// may be one.
#[test]
fn invalid_value_poisons_the_instance() {
    let events = Events::default();
    let broken = |instance: &mut Instance<Worker>| work(instance, 2).map(drop);
    let message_only = |instance: &mut Instance<Worker>| {
        instance.call("work", |_, _| {
            Err::<(), _>(wasmtime::Error::msg("a message"))
        })
    };
    for call in [
        &broken as &dyn Fn(&mut Instance<Worker>) -> _,
        &message_only,
    ] {
        let mut instance = plugin(&events)
            .instantiate(Helper::default())
            .expect("instantiates");
        let error = call(&mut instance).expect_err("it fails");
        assert!(matches!(error, Error::Trap { code: None, .. }), "{error:?}");
        assert!(instance.is_poisoned());
    }
    assert_eq!(events.ended.load(Ordering::Relaxed), 2);
}

/// A guest that was refused memory can still end for another reason.
#[test]
fn refused_memory_does_not_hide_a_host_function_error() {
    let limits = Limits::default().with_memory(1 << 20);
    let host = Host::<Worker>::builder().limits(limits).build();
    let host = host.expect("the host starts");
    let plugin = host.load_bytes("worker", &component()).expect("loads");
    let mut instance = plugin.instantiate(Helper::default()).expect("instantiates");
    let error = work(&mut instance, 3).expect_err("it is refused");
    let cause = error
        .source()
        .and_then(|cause| cause.downcast_ref::<Refused>());
    assert_eq!(cause.map(|it| it.0), Some(150), "{error:?}");
}

#[test]
fn exceeded_limits_are_typed_errors() {
    for (limits, number, limit) in [
        (
            Limits::default().with_core_instances(0),
            7,
            Limit::CoreInstances(0),
        ),
        (Limits::default().with_fuel(1), 7, Limit::Fuel(1)),
    ] {
        let host = Host::<Worker>::builder().limits(limits).build();
        let host = host.expect("the host starts");
        let plugin = host.load_bytes("worker", &component()).expect("loads");
        let instance = plugin.instantiate(Helper::default());
        let error = instance.and_then(|mut instance| work(&mut instance, number));
        let error = error.expect_err("a limit is exceeded");
        let found = match &error {
            Error::Limit { limit, .. } => *limit,
            other => panic!("{other:?}"),
        };
        assert_eq!(found, limit);
    }
}

#[test]
fn take_times_out_when_all_instances_are_in_use() {
    let config = PoolConfig::default()
        .with_max_instances(1)
        .with_timeout(Duration::from_millis(20));
    let pool = Pool::new(plugin(&Events::default()), config, Helper::default);
    let taken = pool.take().expect("an instance");
    let error = pool.take().map(drop).expect_err("the pool is full");
    assert!(
        matches!(
            &error,
            Error::PoolTimeout {
                max_instances: 1,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "all 1 instances of `worker.wasm` are in use"
    );
    assert!(
        error
            .hint()
            .expect("a hint")
            .contains("`PoolConfig::max_instances`")
    );
    drop(taken);
    pool.take().map(drop).expect("the instance was returned");
}

#[test]
fn artifacts_are_the_same_with_slots_and_without() {
    let hash = |slots| {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let engine =
            Engine::shared(&EngineConfig::default().with_slots(slots)).expect("the engine starts");
        let mut hasher = DefaultHasher::new();
        let engine = engine.as_wasmtime();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.finish()
    };
    assert_eq!(hash(0), hash(1000));
    assert_eq!(hash(0), hash(7));
}
