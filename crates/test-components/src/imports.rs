//! Functions of WASI 0.2 that a [`TextPlugin`](crate::TextPlugin) can import, each
//! as an import of the core module with its label.

/// A world with all of them. Functions that a module does not import are omitted.
pub(crate) const WIT: &str = include_str!("imports.wit");

/// `$sleep` (nanoseconds) returns a handle to poll.
pub const SLEEP: &str = r#"(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration"
    (func $sleep (param i64) (result i32)))"#;

/// `$now` returns nanoseconds.
pub const NOW: &str = r#"(import "wasi:clocks/monotonic-clock@0.2.0" "now"
    (func $now (result i64)))"#;

/// `$block` (handle) waits for it.
pub const BLOCK: &str = r#"(import "wasi:io/poll@0.2.0" "[method]pollable.block"
    (func $block (param i32)))"#;

/// `$poll` (address and length of the handles, address of the result).
pub const POLL: &str = r#"(import "wasi:io/poll@0.2.0" "poll"
    (func $poll (param i32 i32 i32)))"#;

/// `$random` (number of bytes, address of the result).
pub const RANDOM: &str = r#"(import "wasi:random/random@0.2.0" "get-random-bytes"
    (func $random (param i64 i32)))"#;

/// `$stdin` returns a handle.
pub const STDIN: &str = r#"(import "wasi:cli/stdin@0.2.0" "get-stdin"
    (func $stdin (result i32)))"#;

/// `$read` (handle, number of bytes, address of the result) waits for bytes.
pub const READ: &str = r#"(import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read"
    (func $read (param i32 i64 i32)))"#;

/// `$stdout` returns a handle.
pub const STDOUT: &str = r#"(import "wasi:cli/stdout@0.2.0" "get-stdout"
    (func $stdout (result i32)))"#;

/// `$write` (handle, address, length, address of the result), at most 4096
/// bytes at a time.
pub const WRITE: &str = r#"(import "wasi:io/streams@0.2.0"
    "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))"#;

/// `$exit` (0 for success, 1 for failure).
pub const EXIT: &str = r#"(import "wasi:cli/exit@0.2.0" "exit"
    (func $exit (param i32)))"#;

/// `$environment` (address of the result): the variables.
pub const ENVIRONMENT: &str = r#"(import "wasi:cli/environment@0.2.0" "get-environment"
    (func $environment (param i32)))"#;

/// `$arguments` (address of the result).
pub const ARGUMENTS: &str = r#"(import "wasi:cli/environment@0.2.0" "get-arguments"
    (func $arguments (param i32)))"#;
