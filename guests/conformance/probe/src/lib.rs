//! Does on command what plugins do wrong, for the tests of the host. What they
//! should do well is asked of matrix-rust.
//!
//! The input is one command with its arguments; what is none gives
//! `invalid-input`. Each arm of `obey` is the whole of its command.

use std::cell::Cell;
use std::hint::black_box;

use exports::myapp::text_processor::plugin::{Guest, ProcessError, ProcessResult};
use myapp::text_processor::host_api::{LogLevel, log};

wit_bindgen::generate!({
    path: "../../../wit/text-processor",
    world: "text-plugin",
});

thread_local! {
    /// How often this instance was asked to process something.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Probe;

impl Guest for Probe {
    fn get_name() -> String {
        "probe".to_owned()
    }

    fn get_version() -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn process(input: String) -> Result<ProcessResult, ProcessError> {
        let calls = CALLS.get() + 1;
        CALLS.set(calls);
        let (command, rest) = input.split_once(' ').unwrap_or((&input, ""));
        obey(command, rest, calls)
    }
}

fn obey(command: &str, rest: &str, calls: u64) -> Result<ProcessResult, ProcessError> {
    match command {
        "logs" => {
            for index in 0..number(rest)? {
                log(LogLevel::Info, &format!("log {index}"));
            }
            output("logged")
        }
        "trap" => trap(),
        "panic" => panic!("{rest}"),
        "trap-on-call" if calls >= number(rest)? => trap(),
        "trap-on-call" | "calls" => output(calls.to_string()),
        "loop" => loop {
            black_box(());
        },
        "recurse" => output(recurse(calls).to_string()),
        "grow" => grow(number(rest)? as usize),
        "memory" => output(memory_pages().to_string()),
        "size" => output("x".repeat(number(rest)? as usize)),
        _ => Err(ProcessError::InvalidInput),
    }
}

fn output(text: impl Into<String>) -> Result<ProcessResult, ProcessError> {
    Ok(ProcessResult {
        output: text.into(),
        metadata: Vec::new(),
    })
}

fn number(text: &str) -> Result<u64, ProcessError> {
    text.parse().map_err(|_| ProcessError::InvalidInput)
}

/// Keeps that many bytes for ever. A host that refuses the memory is no trap:
/// the answer is `internal-error`.
fn grow(bytes: usize) -> Result<ProcessResult, ProcessError> {
    let mut kept: Vec<u8> = Vec::new();
    kept.try_reserve_exact(bytes)
        .map_err(|_| ProcessError::InternalError)?;
    kept.resize(bytes, 1);
    black_box(kept.leak());
    output(memory_pages().to_string())
}

/// Calls itself until the stack is used up. The addition after the call and
/// `black_box` keep the compiler from making it a loop.
#[expect(
    unconditional_recursion,
    reason = "a stack overflow is what the command asks for"
)]
fn recurse(depth: u64) -> u64 {
    recurse(black_box(depth + 1)) + black_box(1)
}

fn memory_pages() -> usize {
    #[cfg(target_arch = "wasm32")]
    return core::arch::wasm32::memory_size(0);
    #[cfg(not(target_arch = "wasm32"))]
    return 0;
}

fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort();
}

export!(Probe);
