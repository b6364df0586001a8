//! When instances are made and ended, and what one leaves to the next: warm,
//! fresh, in slots and outside of them.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use kumiki::{Event, Instance, Observer, Pool, PoolConfig, Renewal};
use kumiki_text::{Config, Pipeline, TextContract, TextData, TextHost, TextPlugin, Texts, Way};
use test_components::{BATCH, COLUMN};

const KIB: usize = 1 << 10;

/// Answers with as many bytes as it was called times.
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

/// Grows its memory by as many pages of 64 KiB as its input is long, and answers
/// as an echo does.
fn grower() -> test_components::TextPlugin {
    let grow = "(drop (memory.grow (local.get $length)))";
    test_components::TextPlugin::new("grower").process(&format!("{grow}{}", test_components::ECHO))
}

fn load(component: &test_components::TextPlugin) -> TextPlugin {
    let host = TextHost::new().unwrap();
    let plugin = host.load_bytes("plugin", &component.build()).unwrap();
    TextPlugin::new(plugin, Config::default()).unwrap()
}

/// How often the instance was called that answers, by its own count.
fn calls(plugin: &mut TextPlugin) -> usize {
    plugin.process("x").unwrap().output.len()
}

#[test]
fn a_warm_instance_is_kept() {
    let mut plugin = load(&counter());
    assert_eq!([1, 2, 3], [(); 3].map(|()| calls(&mut plugin)));
}

#[test]
fn a_fresh_instance_answers_once_in_every_way() {
    let many = counter().batch(BATCH).column(COLUMN);
    for component in [counter(), counter().batch(BATCH), many] {
        let plugin = load(&component);
        let name = plugin.name().to_owned();
        let mut plugin = plugin.with_renewal(Renewal::fresh());
        assert_eq!([1, 1, 1], [(); 3].map(|()| calls(&mut plugin)));
        let all = plugin.process_all(&Texts::from_iter(["a", "b", "c"]));
        let lengths: Vec<_> = all.iter().map(|it| it.unwrap().output.len()).collect();
        assert_eq!(lengths, [1, 1, 1]);
        assert_eq!(plugin.way(), Way::SINGLE);
        assert!(!plugin.set_way(Way::COLUMN));
        // A worker's own, and what a pipeline makes of it, are fresh, too.
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
fn names_are_asked_for_once() {
    // Whoever asks a second time gets another name.
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
    let mut plugin = plugin.with_renewal(Renewal::fresh());
    for _ in 0..5 {
        plugin.process("x").unwrap();
    }
    assert_eq!(logged.0.load(Ordering::Relaxed), 1);
}

#[test]
fn an_instance_ends_after_so_many_calls() {
    let plugin = load(&counter());
    let mut plugin = plugin.with_renewal(Renewal::default().with_calls(3));
    // The first was asked for its name and version.
    let counts = [(); 8].map(|()| calls(&mut plugin));
    assert_eq!(counts, [1, 1, 2, 3, 1, 2, 3, 1]);
}

#[test]
fn an_instance_ends_that_holds_too_much() {
    let renewal = Renewal::default().with_memory(512 * KIB);
    let mut plugin = load(&grower()).with_renewal(renewal);
    let mut held = |pages: usize| {
        plugin.process(&"x".repeat(pages)).unwrap();
        plugin.memory() / (64 * KIB)
    };
    // 2 pages at first; 8 are as much as it may hold, and the one with 9 ends.
    assert_eq!([2, 5, 8, 0], [0, 3, 3, 1].map(&mut held));
    assert_eq!([4, 8], [2, 4].map(&mut held));
}

#[test]
fn an_instance_that_needs_so_much_from_the_first_is_kept() {
    let load_words = "(if (i32.eqz (global.get $calls)) (then
        (drop (memory.grow (i32.const 20)))))";
    let component = counter().allocator(load_words);
    let mut plugin = load(&component).with_renewal(Renewal::default().with_memory(64 * KIB));
    // The first was called for its name before it grew.
    assert_eq!([1, 1, 2, 3], [(); 4].map(|()| calls(&mut plugin)));
}

/// Tells the events of slots.
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
fn instances_beyond_the_slots_live_as_well() {
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
    // In slots again.
    drop(all);
    let metrics = host.engine().as_wasmtime().pooling_allocator_metrics();
    let metrics = metrics.unwrap();
    assert_eq!(metrics.memories(), 0);
    let _all = [instance(), instance()];
    assert_eq!(metrics.memories(), 2);
}

/// `component` with one core module more, instantiated by itself.
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
fn what_no_slot_has_room_for_runs_as_well() {
    let echo = || test_components::TextPlugin::new("large");
    let memories = |count: usize| {
        let module = |component, _| with_module(component, "(module (memory 1))");
        (0..count).fold(echo().build(), module)
    };
    for (component, in_slots) in [
        // More than there are slots.
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
fn tables_may_grow_as_far_as_their_limit_says() {
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

/// Fills its memory and tables, and answers nothing.
const FILL: &str = "
    (drop (memory.grow (i32.const 30)))
    (memory.fill (i32.const 65536) (i32.const 0x5a) (i32.const 2031616))
    (table.fill $t (i32.const 0) (ref.func $f) (i32.const 1000))
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store (i32.const 24) (i32.const 0))
    (i32.const 16)";

/// Answers with as many bytes as it finds in its memory that are not 0, beyond
/// what its input takes, and elements in its table.
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
fn an_instance_leaves_nothing_to_the_next() {
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
fn a_pool_never_has_more_than_it_may() {
    let host = TextHost::new().unwrap();
    let plugin = host.load_bytes("counter", &counter().build()).unwrap();
    let pool = Pool::new(
        plugin,
        PoolConfig::default().with_most(2),
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
    // All calls were answered by instances that stayed.
    let (mut one, mut other) = (pool.take().unwrap(), pool.take().unwrap());
    let calls = process(&mut one, "").len() + process(&mut other, "").len();
    assert_eq!(calls, 8 * 200 + 2);
}

#[test]
fn what_ended_does_not_go_back_into_a_pool() {
    // Traps at the third call.
    let trap = "(if (i32.eq (global.get $calls) (i32.const 2)) (then unreachable))";
    let component = counter().post_return(trap);
    let host = TextHost::new().unwrap();
    let plugin = host.load_bytes("traps", &component.build()).unwrap();
    let pool = Pool::new(
        plugin.clone(),
        PoolConfig::default().with_most(1),
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

    let fresh = PoolConfig::default().with_renewal(Renewal::fresh());
    let pool = Pool::new(plugin, fresh.with_most(1), TextData::default);
    pool.warm(5).unwrap();
    assert_eq!(pool.live(), 1);
    assert_eq!([Some(1); 3], [(); 3].map(|()| call(&pool)));
    // A thread that panics leaves it in the middle of something.
    let taken = pool.take().unwrap();
    let panicked = thread::spawn(move || {
        let _taken = taken;
        panic!("in the middle of something");
    });
    assert!(panicked.join().is_err());
    assert_eq!(pool.live(), 0);
}
