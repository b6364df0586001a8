//! Tests of the lifetime and isolation of instances: warm and fresh, in slots of
//! the pooling allocator and outside of them.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use kumiki::{Event, Instance, Observer, Pool, PoolConfig, RecyclePolicy};
use kumiki_text::{
    CallMode, Config, Pipeline, TextContract, TextData, TextHost, TextPlugin, Texts,
};
use test_components::{BATCH, COLUMN};

const KIB: usize = 1 << 10;

/// A guest whose output has as many bytes as the number of its calls so far.
fn counter() -> test_components::TextPlugin {
    test_components::TextPlugin::new("counter")
        .global("calls")
        .process(
            "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
             (i32.store8 (i32.const 16) (i32.const 0))
             (i32.store (i32.const 20) (i32.const 1024))
             (i32.store (i32.const 24) (global.get $calls))
             (i32.store (i32.const 28) (i32.const 0))
             (i32.store (i32.const 32) (i32.const 0))
             (i32.const 16)",
        )
}

/// An echo that grows its memory by one page of 64 KiB per byte of input.
fn grower() -> test_components::TextPlugin {
    let grow = "(drop (memory.grow (local.get $length)))";
    test_components::TextPlugin::new("grower").process(&format!("{grow}{}", test_components::ECHO))
}

fn load(component: &test_components::TextPlugin) -> TextPlugin {
    let host = TextHost::new().unwrap();
    let plugin = host.load_bytes("plugin", &component.build()).unwrap();
    TextPlugin::new(plugin, Config::default()).unwrap()
}

/// Calls the plugin and returns the number of calls of its instance.
fn calls(plugin: &mut TextPlugin) -> usize {
    plugin.process("x").unwrap().output.len()
}

#[test]
fn warm_instance_is_reused() {
    let mut plugin = load(&counter());
    assert_eq!([1, 2, 3], [(); 3].map(|()| calls(&mut plugin)));
}

#[test]
fn fresh_instance_answers_once_in_every_way() {
    let many = counter().batch(BATCH).column(COLUMN);
    for component in [counter(), counter().batch(BATCH), many] {
        let plugin = load(&component);
        let name = plugin.name().to_owned();
        let mut plugin = plugin.with_recycling(RecyclePolicy::fresh());
        assert_eq!([1, 1, 1], [(); 3].map(|()| calls(&mut plugin)));
        let all = plugin.process_all(&Texts::from_iter(["a", "b", "c"]));
        let lengths: Vec<_> = all.iter().map(|it| it.unwrap().output.len()).collect();
        assert_eq!(lengths, [1, 1, 1]);
        assert_eq!(plugin.mode(), CallMode::Single);
        assert!(!plugin.set_mode(CallMode::Column));
        // Siblings of the plugin and of a pipeline are fresh, too.
        let mut sibling = plugin.sibling();
        assert_eq!([1, 1], [(); 2].map(|()| calls(&mut sibling)));
        assert_eq!(sibling.name(), name);
        let mut pipeline = Pipeline::each(vec![plugin]).sibling();
        for outcomes in pipeline.process_all(&Texts::from_iter(["a", "b"])) {
            for answer in outcomes.answers.iter() {
                assert_eq!(answer.unwrap().output.len(), 1);
            }
        }
    }
}

#[test]
fn name_is_read_once() {
    // A second call would return another name.
    let name = "(memory.grow (i32.const 1)) drop
        (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 1))
        (call $log (i32.const 3) (i32.const 64) (i32.const 1)) (i32.const 0)";
    #[derive(Clone, Default)]
    struct Logged(Arc<AtomicUsize>);
    impl Observer for Logged {
        fn log(&self, _: &kumiki::LogRecord<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let logged = Logged::default();
    let host = TextHost::builder().observer(logged.clone()).build();
    let component = test_components::TextPlugin::new("named").get_name(name);
    let plugin = host.unwrap().load_bytes("plugin", &component.build());
    let plugin = TextPlugin::new(plugin.unwrap(), Config::default()).unwrap();
    let mut plugin = plugin.with_recycling(RecyclePolicy::fresh());
    for _ in 0..5 {
        plugin.process("x").unwrap();
    }
    assert_eq!(logged.0.load(Ordering::Relaxed), 1);
}

#[test]
fn instance_ends_after_the_call_limit() {
    let plugin = load(&counter());
    let mut plugin = plugin.with_recycling(RecyclePolicy::default().with_calls(3));
    // The calls for name and version count for the first instance.
    let counts = [(); 8].map(|()| calls(&mut plugin));
    assert_eq!(counts, [1, 1, 2, 3, 1, 2, 3, 1]);
}

#[test]
fn instance_ends_above_the_memory_threshold() {
    let recycling = RecyclePolicy::default().with_memory(512 * KIB);
    let mut plugin = load(&grower()).with_recycling(recycling);
    let mut held = |pages: usize| {
        plugin.process(&"x".repeat(pages)).unwrap();
        plugin.memory() / (64 * KIB)
    };
    // It has 2 pages initially. 8 are allowed; with 9 the instance ends.
    assert_eq!([2, 5, 8, 0], [0, 3, 3, 1].map(&mut held));
    assert_eq!([4, 8], [2, 4].map(&mut held));
}

#[test]
fn instance_with_large_initial_memory_is_kept() {
    let load_words = "(if (i32.eqz (global.get $calls)) (then
        (drop (memory.grow (i32.const 20)))))";
    let component = counter().allocator(load_words);
    let mut plugin =
        load(&component).with_recycling(RecyclePolicy::default().with_memory(64 * KIB));
    // The first instance was called for its name before it grew.
    assert_eq!([1, 1, 2, 3], [(); 4].map(|()| calls(&mut plugin)));
}

/// An observer of events about slots.
#[derive(Clone, Default)]
struct Slots(Arc<AtomicUsize>);

impl Observer for Slots {
    fn event(&self, event: &Event<'_>) {
        if let Event::SlotsFull { slots } = event {
            assert_eq!(*slots, 3);
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn process(instance: &mut Instance<TextContract>, input: &str) -> String {
    let answer = instance.call("process", |bindings, store| {
        bindings.plugin().call_process(store, input)
    });
    answer.unwrap().unwrap().output
}

#[test]
fn instances_beyond_the_pool_slots_work() {
    let told = Slots::default();
    let host = TextHost::builder().slots(3).observer(told.clone());
    let host = host.build().unwrap();
    assert_eq!(host.engine().slots(), 3);
    let plugin = host.load_bytes("echo", &test_components::TextPlugin::new("echo").build());
    let plugin = plugin.unwrap();
    let instance = || plugin.instantiate(TextData::default()).unwrap();
    let mut all: Vec<_> = (0..20).map(|_| instance()).collect();
    for (number, instance) in all.iter_mut().enumerate() {
        let input = number.to_string();
        assert_eq!(process(instance, &input), input);
    }
    assert_eq!(told.0.load(Ordering::Relaxed), 1);
    // These are in slots again.
    drop(all);
    let metrics = host.engine().as_wasmtime().pooling_allocator_metrics();
    let metrics = metrics.unwrap();
    assert_eq!(metrics.memories(), 0);
    let _all = [instance(), instance()];
    assert_eq!(metrics.memories(), 2);
}

/// Adds one more core module, with its own instance, to `component`.
fn with_module(mut component: Vec<u8>, text: &str) -> Vec<u8> {
    let module = test_components::parse(text);
    let begins = |bytes: &&[u8]| *bytes == b"\0asm\x01\0\0\0";
    let before = component.windows(8).filter(begins).count();
    component.push(1);
    let mut length = module.len();
    while length >= 0x80 {
        component.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    component.push(length as u8);
    component.extend(module);
    // A section of core instances: one, of that module, with no arguments.
    component.extend([2, 4, 1, 0, before as u8, 0]);
    component
}

#[test]
fn instance_too_large_for_a_slot_runs() {
    let echo = || test_components::TextPlugin::new("large");
    let memories = |count: usize| {
        let module = |component, _| with_module(component, "(module (memory 1))");
        (0..count).fold(echo().build(), module)
    };
    for (component, in_slots) in [
        // More instances than slots.
        (memories(25), false),
        (memories(2), true),
        (echo().items("(table 900000 funcref)").build(), true),
        (
            echo().items("(table 0 funcref) (table 0 funcref)").build(),
            true,
        ),
    ] {
        let host = TextHost::builder().slots(20).build().unwrap();
        let plugin = host.load_bytes("large", &component).unwrap();
        let mut plugin = TextPlugin::new(plugin, Config::default()).unwrap();
        assert_eq!(plugin.process("some text").unwrap().output, "some text");
        let metrics = host.engine().as_wasmtime().pooling_allocator_metrics();
        assert_eq!(metrics.unwrap().memories() > 0, in_slots);
    }
}

#[test]
fn tables_grow_up_to_their_limit() {
    let grow = "(drop (table.grow $t (ref.null func) (i32.const 1500000)))
        (if (i32.lt_u (table.size $t) (i32.const 1500000)) (then unreachable))";
    let component = test_components::TextPlugin::new("table")
        .items("(table $t 0 funcref)")
        .process(&format!("{grow}{}", test_components::ECHO))
        .build();
    let limits = kumiki::Limits::default().with_table_elements(2_000_000);
    let host = TextHost::builder().limits(limits).build().unwrap();
    let plugin = host.load_bytes("table", &component).unwrap();
    let mut plugin = TextPlugin::new(plugin, Config::default()).unwrap();
    assert_eq!(plugin.process("some text").unwrap().output, "some text");
}

/// A guest that fills its memory and tables, and returns an empty output.
const FILL: &str = "
    (drop (memory.grow (i32.const 30)))
    (memory.fill (i32.const 65536) (i32.const 0x5a) (i32.const 2031616))
    (table.fill $t (i32.const 0) (ref.func $f) (i32.const 1000))
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store (i32.const 24) (i32.const 0))
    (i32.const 16)";

/// A guest whose output has one byte for each non-zero byte in its memory, except
/// those of its input, and for each element in its table.
const LOOK: &str = "
    (local $address i32) (local $found i32)
    (drop (memory.grow (i32.const 30)))
    (local.set $address (i32.const 65536))
    (loop $next
        (if (i32.load8_u (local.get $address))
            (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))
        (br_if $next (i32.lt_u
            (local.tee $address (i32.add (local.get $address) (i32.const 1)))
            (i32.const 2097152))))
    (local.set $address (i32.const 0))
    (loop $next
        (if (i32.eqz (ref.is_null (table.get $t (local.get $address))))
            (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))
        (br_if $next (i32.lt_u
            (local.tee $address (i32.add (local.get $address) (i32.const 1)))
            (i32.const 1000))))
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (i32.const 0))
    (i32.store (i32.const 24) (local.get $found))
    (i32.store (i32.const 28) (i32.const 0))
    (i32.store (i32.const 32) (i32.const 0))
    (i32.const 16)";

#[test]
fn instance_leaves_no_state_to_the_next() {
    let plugin = |name, body| {
        test_components::TextPlugin::new(name)
            .items("(table $t 1000 funcref) (func $f) (elem declare func $f)")
            .process(body)
    };
    let host = TextHost::builder().slots(1).build().unwrap();
    let load = |component: test_components::TextPlugin| {
        let plugin = host.load_bytes("plugin", &component.build()).unwrap();
        TextPlugin::new(plugin, Config::default()).unwrap()
    };
    let mut fills = load(plugin("fills", FILL));
    fills.restart();
    let mut looks = load(plugin("looks", LOOK));
    looks.restart();
    let metrics = host.engine().as_wasmtime().pooling_allocator_metrics();
    let metrics = metrics.unwrap();
    for _ in 0..5 {
        fills.process("").unwrap();
        assert_eq!(metrics.memories(), 1, "it lives in the slot");
        fills.restart();
        assert_eq!(looks.process("").unwrap().output, "");
        assert_eq!(metrics.memories(), 1, "in the same one");
        looks.restart();
    }
}

#[test]
fn pool_never_exceeds_its_size() {
    let host = TextHost::new().unwrap();
    let plugin = host.load_bytes("counter", &counter().build()).unwrap();
    let pool = Pool::new(
        plugin,
        PoolConfig::default().with_max_instances(2),
        TextData::default,
    );
    let most = AtomicUsize::new(0);
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..200 {
                    let mut instance = pool.take().unwrap();
                    most.fetch_max(pool.live(), Ordering::Relaxed);
                    process(&mut instance, "x");
                }
            });
        }
    });
    assert!(most.into_inner() <= 2);
    // All calls were answered by pooled instances.
    let (mut one, mut other) = (pool.take().unwrap(), pool.take().unwrap());
    let calls = process(&mut one, "").len() + process(&mut other, "").len();
    assert_eq!(calls, 8 * 200 + 2);
}

#[test]
fn ended_instance_is_not_returned_to_the_pool() {
    // Traps on the third call.
    let trap = "(if (i32.eq (global.get $calls) (i32.const 2)) (then unreachable))";
    let component = counter().post_return(trap);
    let host = TextHost::new().unwrap();
    let plugin = host.load_bytes("traps", &component.build()).unwrap();
    let pool = Pool::new(
        plugin.clone(),
        PoolConfig::default().with_max_instances(1),
        TextData::default,
    );
    let call = |pool: &Pool<TextContract>| {
        let answer = pool.call("process", |bindings, store| {
            bindings.plugin().call_process(store, "x")
        });
        answer.map(|answer| answer.unwrap().output.len()).ok()
    };
    assert_eq!(
        [Some(1), None, Some(1), None],
        [(); 4].map(|()| call(&pool))
    );
    assert_eq!(pool.live(), 0);

    let fresh = PoolConfig::default().with_recycling(RecyclePolicy::fresh());
    let pool = Pool::new(plugin, fresh.with_max_instances(1), TextData::default);
    pool.warm(5).unwrap();
    assert_eq!(pool.live(), 1);
    assert_eq!([Some(1); 3], [(); 3].map(|()| call(&pool)));
    // A thread that panics leaves the instance in an unknown state.
    let taken = pool.take().unwrap();
    let panicked = thread::spawn(move || {
        let _taken = taken;
        panic!("in the middle of something");
    });
    assert!(panicked.join().is_err());
    assert_eq!(pool.live(), 0);
}
