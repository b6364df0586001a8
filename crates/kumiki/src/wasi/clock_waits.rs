//! The waits of `wasi:clocks/monotonic-clock` of WASI 0.3. They are futures of the call,
//! which ends them with its time limit; 0.2 waits with pollables instead.

use wasmtime::component::{Accessor, Linker};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p3::bindings::clocks::monotonic_clock::HostWithStore;

use super::context::HasWasi;
use super::version::WASI_0_3_VERSION;
use super::waiting::in_runtime;

/// Links the functions that wait instead of wasmtime-wasi's, whose timers need a runtime
/// of tokio.
pub(super) fn link<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let name = format!("wasi:clocks/monotonic-clock@{WASI_0_3_VERSION}");
    let mut clock = linker.instance(&name)?;
    clock.func_wrap_concurrent("wait-for", |store: &Accessor<T>, (duration,): (u64,)| {
        Box::pin(in_runtime(async move {
            let clocks = store.with_getter::<WasiClocks>(T::clocks);
            WasiClocks::wait_for(&clocks, duration).await
        }))
    })?;
    clock.func_wrap_concurrent("wait-until", |store: &Accessor<T>, (mark,): (u64,)| {
        Box::pin(in_runtime(async move {
            let clocks = store.with_getter::<WasiClocks>(T::clocks);
            WasiClocks::wait_until(&clocks, mark).await
        }))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use test_components::wasi_0_3::Guest;

    use crate::wasi::test_instances::{concurrent_store, run};

    const CLOCK: &str = "wasi:clocks/monotonic-clock";

    /// Waits, and returns the nanoseconds that passed.
    fn waiter() -> Vec<u8> {
        let clock = Guest::new().import(CLOCK, "wait-for", "$wait");
        clock.import(CLOCK, "now", "$now").run(
            "(local $start i64)
             (local.set $start (call $now))
             (call $wait (local.get $argument))
             (i64.sub (call $now) (local.get $start))",
        )
    }

    #[test]
    fn wait_ends_after_its_time() {
        let mut store = concurrent_store(&Default::default());
        let waited = run(&mut store, &waiter(), 20_000_000, Duration::from_secs(10));
        assert!(waited.unwrap().unwrap() >= 20_000_000);
    }

    #[test]
    fn endless_wait_holds_no_thread() {
        for forever in [u64::MAX, u64::MAX / 2, 1 << 60] {
            let start = Instant::now();
            let mut store = concurrent_store(&Default::default());
            let waited = run(&mut store, &waiter(), forever, Duration::from_millis(50));
            assert!(waited.is_none());
            assert!(start.elapsed() < Duration::from_secs(5));
        }
    }

    /// A guest that starts waits and does not wait for them ends at its limit of handles.
    #[test]
    fn waits_at_a_time_are_limited() {
        let starter = Guest::new()
            .built_in(
                CLOCK,
                "wait-for",
                "async-lower",
                "$start",
                "(param i64) (result i32)",
            )
            .run("(loop $again (drop (call $start (i64.const -1))) (br $again)) (i64.const 0)");
        let mut store = concurrent_store(&Default::default());
        let ended = run(&mut store, &starter, 0, Duration::from_secs(60));
        let error = ended.unwrap().unwrap_err();
        assert!(format!("{error:?}").contains("handle"), "{error:?}");
    }
}
