use std::sync::mpsc::channel;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(20);

#[test]
fn call_returns_the_result_or_the_panic() {
    let quota = Arc::new(ThreadQuota::default());
    assert_eq!(quota.call(TIMEOUT, || 7), Ok(7));
    let panicked = quota.call(TIMEOUT, || -> u8 { panic!("expected") });
    assert_eq!(panicked, Err(Refused::Panicked));
    assert_eq!(quota.call(TIMEOUT, || 8), Ok(8));
}

#[test]
fn abandoned_calls_are_limited_per_plugin() {
    let (quota, other) = (
        Arc::new(ThreadQuota::default()),
        Arc::new(ThreadQuota::default()),
    );
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    for _ in 0..MAX_ABANDONED {
        let held = held.clone();
        let late = quota.call(Duration::from_millis(20), move || {
            let _ = lock(&held).recv();
        });
        assert_eq!(late, Err(Refused::Late));
    }
    assert_eq!(quota.call(TIMEOUT, || 1), Err(Refused::Full));
    assert_eq!(other.call(TIMEOUT, || 1), Ok(1));
    drop(release);
    // The abandoned calls end and release the quota.
    let mut answer = quota.call(TIMEOUT, || 1);
    for _ in 0..1000 {
        if answer.is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(10));
        answer = quota.call(TIMEOUT, || 1);
    }
    assert_eq!(answer, Ok(1));
}

#[test]
fn unattended_jobs_have_a_bounded_number_of_threads() {
    const MAX_THREADS: usize = MAX_ATTENDED + MAX_UNATTENDED;
    let pool: &'static ThreadPool = Box::leak(Box::new(ThreadPool {
        state: Mutex::new(State {
            queue: VecDeque::new(),
            threads: 0,
            idle: 0,
            unattended: 0,
        }),
        work: Condvar::new(),
    }));
    let quota = Arc::new(ThreadQuota::default());
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    for _ in 0..2 * MAX_THREADS {
        let held = held.clone();
        let work = Box::new(move || {
            let _ = lock(&held).recv();
        });
        pool.submit(quota.job(DETACHED, work));
        // Waits until the job blocks a thread before the next is submitted.
        while lock(&pool.state).threads < MAX_THREADS && !lock(&pool.state).queue.is_empty() {
            thread::yield_now();
        }
    }
    let threads = lock(&pool.state).threads;
    assert!(threads <= MAX_THREADS, "{threads}");
    drop(release);
    for _ in 0..2000 {
        if lock(&pool.state).queue.is_empty() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("queued jobs did not run");
}

#[test]
fn blocked_streams_delay_only_their_plugin() {
    let (quota, other) = (
        Arc::new(ThreadQuota::default()),
        Arc::new(ThreadQuota::default()),
    );
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let mut blocked = Vec::new();
    for _ in 0..MAX_QUEUED + MAX_BACKGROUND {
        let held = held.clone();
        let work = move || {
            let _ = lock(&held).recv();
        };
        match quota.spawn(work) {
            Ok(task) => blocked.push(task),
            Err(refused) => assert_eq!(refused, Refused::Full),
        }
    }
    assert!(blocked.len() >= MAX_QUEUED);
    assert_eq!(quota.spawn(|| ()).unwrap_err(), Refused::Full);
    // Dropped tasks make room in the queue.
    blocked.truncate(MAX_BACKGROUND);
    assert!(quota.spawn(|| ()).is_ok());
    let done = other.spawn(|| 3).unwrap();
    assert_eq!(wasmtime_wasi::runtime::in_tokio(done), Ok(3));
    drop(release);
}
