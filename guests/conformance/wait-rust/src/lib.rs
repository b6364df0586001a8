//! Waits for each record as long as it says, or fails as it says: `wait 50` waits for 50
//! milliseconds, `trap 50` traps after them, `spin 50` computes for them, `never` waits
//! for an event that never comes, and `together` answers how many calls there have been at
//! the same time.

use core::sync::atomic::{AtomicUsize, Ordering};

use wasip3::clocks::monotonic_clock;

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/text-processor",
        world: "text-plugin-concurrent",
    });
}

use bindings::exports::myapp::text_processor::{concurrent, plugin};
use bindings::myapp::text_processor::host_api::{self, LogLevel};
use bindings::myapp::text_processor::types::{KeyValue, ProcessError, ProcessResult};

struct Wait;

/// The calls that have begun and not ended.
static CALLS: AtomicUsize = AtomicUsize::new(0);
/// The most of them at the same time.
static MOST: AtomicUsize = AtomicUsize::new(0);

bindings::export!(Wait with_types_in bindings);

impl plugin::Guest for Wait {
    fn get_name() -> String {
        "wait-rust".into()
    }

    fn get_version() -> String {
        "0.1.0".into()
    }

    fn process(_: String) -> Result<ProcessResult, ProcessError> {
        // It could not wait.
        Err(ProcessError::InternalError)
    }
}

impl concurrent::Guest for Wait {
    async fn process_concurrent(input: String) -> Result<ProcessResult, ProcessError> {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        MOST.fetch_max(calls, Ordering::Relaxed);
        let answer = wait(input).await;
        CALLS.fetch_sub(1, Ordering::Relaxed);
        answer
    }
}

async fn wait(input: String) -> Result<ProcessResult, ProcessError> {
    let (what, milliseconds) = input.split_once(' ').unwrap_or((&input, "0"));
    let milliseconds: u64 = milliseconds.parse().unwrap_or_default();
    let nanoseconds = milliseconds * 1_000_000;
    match what {
        "spin" => spin(nanoseconds),
        "never" => core::future::pending().await,
        _ => monotonic_clock::wait_for(nanoseconds).await,
    }
    match what {
        "trap" => core::arch::wasm32::unreachable(),
        "invalid" => return Err(ProcessError::InvalidInput),
        "log" => host_api::log(LogLevel::Info, &input),
        "grow" => core::mem::forget(core::hint::black_box(vec![1_u8; 1 << 30])),
        "large" => return answer("x".repeat(8 << 20)),
        "together" => {
            let most = MOST.load(Ordering::Relaxed);
            return answer(most.to_string());
        }
        _ => {}
    }
    answer(input)
}

fn answer(input: String) -> Result<ProcessResult, ProcessError> {
    Ok(ProcessResult {
        output: input.to_uppercase(),
        metadata: vec![KeyValue {
            key: "length".into(),
            value: input.len().to_string(),
        }],
    })
}

fn spin(nanoseconds: u64) {
    let end = monotonic_clock::now() + nanoseconds;
    while monotonic_clock::now() < end {}
}
