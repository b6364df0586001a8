use std::sync::mpsc::channel;

use super::*;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn results_and_panics_come_back() {
    let share = Arc::new(ThreadQuota::default());
    assert_eq!(share.call(SOON, || 7), Ok(7));
    let panicked = share.call(SOON, || -> u8 { panic!("as it should") });
    assert_eq!(panicked, Err(Refused::Panicked));
    assert_eq!(share.call(SOON, || 8), Ok(8));
}

#[test]
fn a_plugin_leaves_no_more_than_its_share() {
    let (share, other) = (
        Arc::new(ThreadQuota::default()),
        Arc::new(ThreadQuota::default()),
    );
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    for _ in 0..LEFT_BY_PLUGIN {
        let held = held.clone();
        let late = share.call(Duration::from_millis(20), move || {
            let _ = lock(&held).recv();
        });
        assert_eq!(late, Err(Refused::Late));
    }
    assert_eq!(share.call(SOON, || 1), Err(Refused::Full));
    assert_eq!(other.call(SOON, || 1), Ok(1));
    drop(release);
    // They end, and the share is free again.
    let mut answer = share.call(SOON, || 1);
    for _ in 0..1000 {
        if answer.is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(10));
        answer = share.call(SOON, || 1);
    }
    assert_eq!(answer, Ok(1));
}

#[test]
fn what_nobody_waits_for_has_a_bounded_number_of_threads() {
    let pool: &'static Pool = Box::leak(Box::new(Pool {
        state: Mutex::new(State {
            queue: VecDeque::new(),
            threads: 0,
            idle: 0,
            left: 0,
        }),
        work: Condvar::new(),
    }));
    let share = Arc::new(ThreadQuota::default());
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    for _ in 0..2 * (LIVE + LEFT) {
        let held = held.clone();
        let work = Box::new(move || {
            let _ = lock(&held).recv();
        });
        pool.submit(share.job(DETACHED, work));
        // So that one begins to hang before the next comes.
        while lock(&pool.state).threads < LIVE + LEFT && !lock(&pool.state).queue.is_empty() {
            thread::yield_now();
        }
    }
    let threads = lock(&pool.state).threads;
    assert!(threads <= LIVE + LEFT, "{threads}");
    drop(release);
    for _ in 0..2000 {
        if lock(&pool.state).queue.is_empty() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("what waited is not done");
}

#[test]
fn streams_that_hang_hold_up_only_their_plugin() {
    let (share, other) = (
        Arc::new(ThreadQuota::default()),
        Arc::new(ThreadQuota::default()),
    );
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let mut hanging = Vec::new();
    for _ in 0..QUEUED + AHEAD {
        let held = held.clone();
        let work = move || {
            let _ = lock(&held).recv();
        };
        match share.ahead(work) {
            Ok(later) => hanging.push(later),
            Err(refused) => assert_eq!(refused, Refused::Full),
        }
    }
    assert!(hanging.len() >= QUEUED);
    assert_eq!(share.ahead(|| ()).unwrap_err(), Refused::Full);
    // A dropped request makes room for others.
    hanging.truncate(AHEAD);
    assert!(share.ahead(|| ()).is_ok());
    let done = other.ahead(|| 3).unwrap();
    assert_eq!(wasmtime_wasi::runtime::in_tokio(done), Ok(3));
    drop(release);
}
