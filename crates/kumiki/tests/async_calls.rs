//! Asynchronous calls: host functions that await, limits, pools, and dropped calls.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kumiki::{
    Budget, Contract as _, Engine, EngineConfig, Error, Host, HostState, Limit, Limits, Plugin,
    Pool, PoolConfig,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

kumiki::contract!(Worker {
    inline: "
        package test:tasks;
        world worker {
            import help: func(number: u32) -> u32;
            export work: func(number: u32) -> u32;
            export spin: func();
        }
    ",
    world: "worker",
    data: Helper,
    async: true,
});

/// What `help` waits for: number 1 for the barrier, 2 forever, others for nothing.
#[derive(Clone)]
struct Helper {
    barrier: Arc<Barrier>,
    calls: Arc<AtomicU32>,
}

impl Helper {
    fn new(callers: usize) -> Self {
        Self {
            barrier: Arc::new(Barrier::new(callers)),
            calls: Arc::default(),
        }
    }
}

impl worker::WorkerImports for HostState<Helper> {
    async fn help(&mut self, number: u32) -> u32 {
        self.data.calls.fetch_add(1, Ordering::Relaxed);
        match number {
            1 => {
                self.data.barrier.wait().await;
            }
            2 => pending().await,
            _ => {}
        }
        number + 40
    }
}

fn component() -> Vec<u8> {
    test_components::build(
        Worker::WIT,
        Worker::WORLD,
        r#"
        (import "$root" "help" (func $help (param i32) (result i32)))
        (func (export "work") (param i32) (result i32) (call $help (local.get 0)))
        (func (export "spin") (loop (br 0)))
        "#,
    )
}

fn plugin(limits: Limits) -> Plugin<Worker> {
    let host = Host::<Worker>::builder()
        .limits(limits)
        .build()
        .expect("a host");
    host.load_bytes("worker", &component()).expect("a plugin")
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

async fn work(pool: &Pool<Worker>, number: u32) -> kumiki::Result<u32> {
    let call = async |worker: &worker::Worker, store: &mut _| worker.call_work(store, number).await;
    pool.call_async("work", call).await
}

#[test]
fn calls_that_wait_share_one_thread() {
    const CALLERS: u32 = 100;
    let helper = Helper::new(CALLERS as usize);
    let config = PoolConfig::default().with_max_instances(CALLERS as usize);
    let data = helper.clone();
    let pool = Pool::new(plugin(Limits::default()), config, move || data.clone());
    runtime().block_on(async {
        // Each waits until all of them wait, so none blocks the thread.
        let local = LocalSet::new();
        let tasks: Vec<_> = (0..CALLERS)
            .map(|_| {
                let pool = pool.clone();
                local.spawn_local(async move { work(&pool, 1).await })
            })
            .collect();
        let answers = async {
            for task in tasks {
                assert_eq!(task.await.unwrap().unwrap(), 41);
            }
        };
        local.run_until(answers).await;
    });
    assert_eq!(helper.calls.load(Ordering::Relaxed), CALLERS);
    assert_eq!(pool.live(), CALLERS as usize);
}

#[test]
fn calls_can_be_spawned_on_any_thread() {
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_time().build().unwrap();
    let pool = Pool::new(plugin(Limits::default()), PoolConfig::default(), || {
        Helper::new(1)
    });
    let tasks = [0, 3, 4, 5].map(|number| {
        let pool = pool.clone();
        runtime.spawn(async move { (number, work(&pool, number).await) })
    });
    for task in tasks {
        let (number, answer) = runtime.block_on(task).unwrap();
        assert_eq!(answer.unwrap(), number + 40);
    }
}

fn is_time_limit<R>(result: &kumiki::Result<R>) -> bool {
    matches!(
        result,
        Err(Error::Limit {
            limit: Limit::Time(_),
            ..
        })
    )
}

#[test]
fn host_function_that_never_completes_ends_at_the_time_limit() {
    let plugin = plugin(Limits::default().with_time(Duration::from_millis(50)));
    runtime().block_on(async {
        let mut instance = plugin.instantiate_async(Helper::new(1)).await.unwrap();
        let call = async |worker: &worker::Worker, store: &mut _| worker.call_work(store, 2).await;
        assert!(is_time_limit(&instance.call_async("work", call).await));
        assert!(instance.is_poisoned());
    });
}

#[test]
fn guest_that_computes_lets_other_tasks_run_and_ends_at_the_time_limit() {
    let plugin = plugin(Limits::default().with_time(Duration::from_millis(200)));
    runtime().block_on(async {
        let mut instance = plugin.instantiate_async(Helper::new(1)).await.unwrap();
        let call = async |worker: &worker::Worker, store: &mut _| worker.call_spin(store).await;
        let spins = instance.call_async("spin", call);
        let mut spins = std::pin::pin!(spins);
        // Completes while the guest computes on the only thread.
        let other = timeout(Duration::from_millis(1), &mut spins).await;
        assert!(other.is_err());
        assert!(is_time_limit(&spins.await));
    });
}

/// A task that only wakes itself would let tokio look at its timers every 61 ticks.
#[test]
fn guest_that_computes_does_not_delay_timers() {
    let plugin = plugin(Limits::default().with_time(Duration::from_secs(1)));
    runtime().block_on(LocalSet::new().run_until(async {
        let spins = tokio::task::spawn_local(async move {
            let mut instance = plugin.instantiate_async(Helper::new(1)).await.unwrap();
            let call = async |worker: &worker::Worker, store: &mut _| worker.call_spin(store).await;
            instance.call_async("spin", call).await
        });
        let mut sleeps = 0;
        while !spins.is_finished() {
            sleep(Duration::from_millis(1)).await;
            sleeps += 1;
        }
        assert!(is_time_limit(&spins.await.unwrap()));
        assert!(sleeps > 10, "{sleeps}");
    }));
}

#[test]
fn stacks_count_towards_the_budget() {
    let budget = Budget::new(2 << 20);
    let host = Host::<Worker>::builder().budget(budget).build().unwrap();
    let plugin = host.load_bytes("worker", &component()).unwrap();
    runtime().block_on(async {
        let mut instances = Vec::new();
        let error = loop {
            match plugin.instantiate_async(Helper::new(1)).await {
                Ok(instance) => instances.push(instance),
                Err(error) => break error,
            }
        };
        assert_eq!(instances.len(), 3);
        assert!(error.to_string().contains("2 MiB"), "{error}");
        instances.clear();
        assert!(plugin.instantiate_async(Helper::new(1)).await.is_ok());
    });
}

#[test]
fn call_that_the_closure_leaves_poisons_the_instance() {
    let plugin = plugin(Limits::default());
    runtime().block_on(async {
        let mut instance = plugin.instantiate_async(Helper::new(1)).await.unwrap();
        let leave = async |worker: &worker::Worker, store: &mut _| {
            let call = worker.call_work(store, 2);
            Ok(timeout(Duration::from_millis(1), call).await.is_err())
        };
        assert!(instance.call_async("work", leave).await.unwrap());
        let call = async |worker: &worker::Worker, store: &mut _| worker.call_work(store, 3).await;
        let again = instance.call_async("work", call).await;
        assert!(matches!(again, Err(Error::Poisoned { .. })), "{again:?}");
        assert!(instance.is_poisoned());

        let mut instance = plugin.instantiate_async(Helper::new(1)).await.unwrap();
        let leave = async |worker: &worker::Worker, store: &mut _| {
            let call = worker.call_work(store, 2);
            timeout(Duration::from_millis(1), call).await?
        };
        let error = instance.call_async("work", leave).await.unwrap_err();
        assert!(matches!(error, Error::Call { .. }), "{error}");
        assert!(instance.is_poisoned());
    });
}

#[test]
fn dropped_call_poisons_the_instance() {
    let plugin = plugin(Limits::default());
    runtime().block_on(async {
        let mut instance = plugin.instantiate_async(Helper::new(1)).await.unwrap();
        let call = async |worker: &worker::Worker, store: &mut _| worker.call_work(store, 2).await;
        let call = instance.call_async("work", call);
        assert!(timeout(Duration::from_millis(1), call).await.is_err());
        let call = async |worker: &worker::Worker, store: &mut _| worker.call_work(store, 3).await;
        let again = instance.call_async("work", call).await;
        assert!(matches!(again, Err(Error::Poisoned { .. })), "{again:?}");
    });
}

#[test]
fn pool_waits_for_an_instance_and_times_out() {
    let config = PoolConfig::default()
        .with_max_instances(1)
        .with_timeout(Duration::from_millis(20));
    let pool = Pool::new(plugin(Limits::default()), config, || Helper::new(1));
    runtime().block_on(async {
        let lent = pool.take_async().await.unwrap();
        let error = work(&pool, 0).await.unwrap_err();
        assert!(matches!(error, Error::PoolTimeout { .. }), "{error}");
        let local = LocalSet::new();
        let waiting = local.spawn_local({
            let pool = pool.clone();
            async move { work(&pool, 0).await }
        });
        local.spawn_local(async {
            sleep(Duration::from_millis(2)).await;
            drop(lent);
        });
        let answer = local.run_until(waiting).await.unwrap();
        assert_eq!(answer.unwrap(), 40);
        assert_eq!(pool.live(), 1);
    });
}

#[test]
fn call_outside_of_a_runtime_is_an_error() {
    let plugin = plugin(Limits::default());
    let mut made = std::pin::pin!(plugin.instantiate_async(Helper::new(1)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = made.as_mut().poll(&mut context) else {
        panic!("it must fail at once");
    };
    assert!(matches!(error, Error::NoRuntime { .. }), "{error}");
    assert!(error.hint().unwrap().contains("tokio"));
}

#[test]
fn engine_without_stacks_is_refused() {
    let engine = Engine::shared(&EngineConfig::default()).unwrap();
    let error = Host::<Worker>::builder()
        .engine(engine)
        .build()
        .err()
        .unwrap();
    assert!(matches!(error, Error::NoAsyncStacks), "{error}");
    let config = EngineConfig::default().with_async_stacks(true);
    let engine = Engine::shared(&config).unwrap();
    assert!(Host::<Worker>::builder().engine(engine).build().is_ok());
}
