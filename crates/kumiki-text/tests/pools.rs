//! Pools of text plugins.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use kumiki::{Limits, PoolConfig, RecyclePolicy};
use kumiki_text::{CircuitBreaker, Config, Error, TextHost, TextPlugin, TextPool, Texts};
use test_components::TextPlugin as Guest;

/// Traps if the input is not empty; otherwise returns it.
fn moody() -> Guest {
    Guest::new("moody").process(&format!(
        "(if (local.get $length) (then unreachable)) {}",
        test_components::ECHO
    ))
}

fn load(guest: &Guest) -> TextPlugin {
    let host = TextHost::builder()
        .limits(Limits::default())
        .build()
        .unwrap();
    let plugin = host.load_bytes("guest.wasm", &guest.build()).unwrap();
    TextPlugin::new(plugin, Config::default()).unwrap()
}

fn config(instances: usize) -> PoolConfig {
    PoolConfig::default()
        .with_max_instances(instances)
        .with_timeout(Duration::from_millis(20))
}

#[test]
fn threads_share_a_pool_of_plugins() {
    let pool = TextPool::new(
        load(&Guest::new("echo")),
        config(2).with_timeout(Duration::from_secs(60)),
    );
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for thread in 0..4 {
            let (pool, start) = (pool.clone(), &start);
            scope.spawn(move || {
                start.wait();
                for record in 0..50 {
                    let text = format!("{thread} {record}");
                    assert_eq!(pool.process(&text).unwrap().output, text);
                }
            });
        }
    });
    assert!((1..=2).contains(&pool.live()), "{}", pool.live());
    let answers = pool.process_all(&Texts::from_iter(["a", "b"])).unwrap();
    let outputs: Vec<_> = answers
        .iter()
        .map(|answer| answer.unwrap().output.to_owned())
        .collect();
    assert_eq!(outputs, ["a", "b"]);
}

#[test]
fn checkout_times_out_when_pool_is_full() {
    let pool = TextPool::new(load(&Guest::new("echo")), config(1));
    let taken = pool.take().unwrap();
    let error = pool.process("x").unwrap_err();
    assert_eq!(error.to_string(), "all 1 instances of `echo` are in use");
    drop(taken);
    pool.process("x").unwrap();
}

#[test]
fn members_have_the_circuit_breaker_and_limits_of_the_plugin() {
    let breaker = CircuitBreaker::default()
        .with_failure_threshold(2)
        .with_open_time(Duration::from_secs(60), Duration::from_secs(60));
    let pool = TextPool::new(load(&moody()).with_circuit_breaker(breaker), config(2));
    pool.warm(2).unwrap();
    let (mut first, mut second) = (pool.take().unwrap(), pool.take().unwrap());
    for member in [&mut first, &mut second] {
        let kinds = [(); 3].map(|()| member.process("x").unwrap_err().kind());
        assert_eq!(kinds, ["trap", "trap", "circuit-open"]);
    }
    drop((first, second));
    assert!(matches!(pool.process(""), Err(Error::CircuitOpen { .. })));

    let pool = TextPool::new(load(&Guest::new("echo")).with_max_metadata(0), config(2));
    let (_first, mut second) = (pool.take().unwrap(), pool.take().unwrap());
    assert_eq!(second.process("x").unwrap().metadata.len(), 0);
}

#[test]
fn instances_of_a_pool_are_recycled() {
    let recycling = RecyclePolicy::default().with_calls(1);
    let pool = TextPool::new(
        load(&Guest::new("echo")),
        config(1).with_recycling(recycling),
    );
    pool.process("x").unwrap();
    assert_eq!(pool.take().unwrap().memory(), 0, "the instance was dropped");
    pool.process("x").unwrap();
}

#[test]
fn plugin_held_by_a_panicking_thread_is_not_returned() {
    let pool = TextPool::new(load(&Guest::new("echo")), config(1));
    let taken = pool.take().unwrap();
    let panicked = thread::spawn(move || {
        let _taken = taken;
        panic!("while it has a plugin");
    });
    assert!(panicked.join().is_err());
    assert_eq!(pool.live(), 0);
    pool.process("x").unwrap();
}
