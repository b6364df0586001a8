//! Waits for each record as long as it says, or fails as it says: `wait 50` waits for 50
//! milliseconds, `trap 50` traps after them, `spin 50` computes for them,
//! `hold 50` holds a megabyte for them, `never` waits
//! for an event that never comes, and `together` answers how many calls there have been at
//! the same time.

use core::sync::atomic::{AtomicUsize, Ordering};

use kumiki_plugin::{Concurrent, Output, Plugin, ProcessError, info};
use wasip3::clocks::monotonic_clock;

struct Wait;

/// The calls that have begun and not ended.
static CALLS: AtomicUsize = AtomicUsize::new(0);
/// The most of them at the same time.
static MOST: AtomicUsize = AtomicUsize::new(0);

impl Plugin for Wait {
    const NAME: &'static str = "wait-rust";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn process(_: &str) -> Result<Output, ProcessError> {
        // It could not wait.
        Err(ProcessError::InternalError)
    }
}

impl Concurrent for Wait {
    async fn process_concurrent(input: String) -> Result<Output, ProcessError> {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        MOST.fetch_max(calls, Ordering::Relaxed);
        let answer = wait(input).await;
        CALLS.fetch_sub(1, Ordering::Relaxed);
        answer
    }
}

kumiki_plugin::export!(Wait);
kumiki_plugin::export_concurrent!(Wait);

async fn wait(input: String) -> Result<Output, ProcessError> {
    let (what, milliseconds) = input.split_once(' ').unwrap_or((&input, "0"));
    let milliseconds: u64 = milliseconds.parse().unwrap_or_default();
    let nanoseconds = milliseconds * 1_000_000;
    let held = match what {
        "hold" => core::hint::black_box(vec![1_u8; 1 << 20]),
        _ => Vec::new(),
    };
    match what {
        "spin" => spin(nanoseconds),
        "never" => core::future::pending().await,
        _ => monotonic_clock::wait_for(nanoseconds).await,
    }
    match what {
        "trap" => std::process::abort(),
        "invalid" => return Err(ProcessError::InvalidInput),
        "log" => info!("{input}"),
        "grow" => core::mem::forget(core::hint::black_box(vec![1_u8; 1 << 30])),
        "large" => return Ok(answer(&"x".repeat(8 << 20))),
        "together" => {
            let most = MOST.load(Ordering::Relaxed);
            return Ok(answer(&most.to_string()));
        }
        _ => {}
    }
    drop(held);
    Ok(answer(&input))
}

fn answer(input: &str) -> Output {
    Output::new(input.to_uppercase()).with("length", input.len())
}

fn spin(nanoseconds: u64) {
    let end = monotonic_clock::now() + nanoseconds;
    while monotonic_clock::now() < end {}
}
