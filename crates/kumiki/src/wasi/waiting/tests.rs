use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::*;
use crate::wasi::test_instances::{in_runtime, pre, store};

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

const MILLISECOND: u64 = 1_000_000;
const HOUR: u64 = 3_600_000 * MILLISECOND;

fn sleep(ticks: u64, nanoseconds: u64) -> wasmtime::Result<()> {
    let mut store = store(&Arc::default());
    let pre = pre(Waits::Blocking, &test_components::parse(SLEEPER));
    let instance = pre.instantiate(&mut store)?;
    let sleep = instance.get_typed_func::<(u64,), ()>(&mut store, "sleep")?;
    store.data_mut().wasi.set_deadline(Deadline::after(ticks));
    sleep.call(&mut store, (nanoseconds,))
}

async fn sleep_async(ticks: u64, nanoseconds: u64) -> wasmtime::Result<()> {
    let mut store = store(&Arc::default());
    let pre = pre(Waits::Async, &test_components::parse(SLEEPER));
    let instance = pre.instantiate_async(&mut store).await?;
    let sleep = instance.get_typed_func::<(u64,), ()>(&mut store, "sleep")?;
    store.data_mut().wasi.set_deadline(Deadline::after(ticks));
    sleep.call_async(&mut store, (nanoseconds,)).await
}

#[test]
fn sleep_ends_at_the_deadline() {
    let sleeps: [fn(u64, u64) -> wasmtime::Result<()>; 2] = [sleep, |ticks, nanoseconds| {
        in_runtime(sleep_async(ticks, nanoseconds))
    }];
    for sleep in sleeps {
        let start = Instant::now();
        let error = sleep(5, HOUR).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt));
        assert!(start.elapsed() >= TICK * 4, "{:?}", start.elapsed());
        // A sleep before the deadline completes, and so does one of zero at the deadline.
        sleep(1_000_000, MILLISECOND).unwrap();
        sleep(0, 0).unwrap();
    }
}

#[test]
fn asynchronous_sleeps_overlap() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sleeper = || {
        let events = events.clone();
        async move {
            events.lock().unwrap().push("start");
            sleep_async(1_000_000, 50 * MILLISECOND).await.unwrap();
            events.lock().unwrap().push("end");
        }
    };
    // One thread runs both.
    in_runtime(async {
        let (one, two) = (tokio::spawn(sleeper()), tokio::spawn(sleeper()));
        one.await.unwrap();
        two.await.unwrap();
    });
    assert_eq!(*events.lock().unwrap(), ["start", "start", "end", "end"]);
}

#[test]
fn blocking_wait_in_a_task_ends_the_call_instead_of_panicking() {
    let sleep = |nanoseconds| {
        let mut store = store(&Arc::default());
        let pre = pre(Waits::Blocking, &test_components::parse(SLEEPER));
        let instance = pre.instantiate(&mut store)?;
        let sleep = instance.get_typed_func::<(u64,), ()>(&mut store, "sleep")?;
        store.data_mut().wasi.set_deadline(Deadline::after(1000));
        store.data_mut().wasi.set_in_task(true);
        sleep.call(&mut store, (nanoseconds,))
    };
    in_runtime(async {
        let error = sleep(HOUR).unwrap_err();
        assert!(
            error.root_cause().to_string().contains("WASI 0.3"),
            "{error:#}"
        );
        // What is ready does not wait.
        sleep(0).unwrap();
    });
}
