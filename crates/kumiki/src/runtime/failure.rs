//! What the error of a call means: a limit, a trap, or an error of the caller's own.

use wasmtime::component::ResourceTableError;
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::backtrace::frames;
use super::state::StoreData;
use crate::engine::wasmtime_errors::{self, WasmtimeLimit};
use crate::error::HostError;
use crate::limits::{Limit, Reached};
use crate::{Error, Limits, text};

/// What errors call the function that runs a component's start code.
const INSTANTIATE: &str = "instantiate";

/// Whose error ended a call.
pub(super) enum Failure {
    /// The guest's, or a host function's in the middle of the guest: its memory may be
    /// in any state.
    OfGuest(Error),
    /// The caller's own, beside the guest.
    OfCaller(Error),
}

/// What the error of a call means.
pub(super) fn of_call(
    limits: &Limits,
    state: &StoreData,
    function: &str,
    source: wasmtime::Error,
) -> Failure {
    if let Some(limit) = limit(limits, state, &source) {
        return Failure::OfGuest(reached(state, function, limit));
    }
    // An error that passed the guest has its stack.
    if is_embedders(&source) && !source.is::<WasmBacktrace>() {
        return Failure::OfCaller(Error::Call {
            plugin: state.plugin().to_owned(),
            function: function.to_owned(),
            source,
        });
    }
    Failure::OfGuest(trap(state, function, source))
}

/// What it means that no instance could be made.
pub(super) fn of_start(limits: &Limits, state: &StoreData, source: wasmtime::Error) -> Error {
    if let Some(limit) = limit(limits, state, &source) {
        return reached(state, INSTANTIATE, limit);
    }
    if source.is::<Trap>() || source.is::<WasmBacktrace>() {
        return trap(state, INSTANTIATE, source);
    }
    Error::Instantiate {
        plugin: state.plugin().to_owned(),
        source: text::source(source),
    }
}

/// What it means that a limit is reached before anything of an instance runs.
pub(super) fn before_start(state: &StoreData, limit: Limit) -> Error {
    reached(state, INSTANTIATE, limit)
}

fn reached(state: &StoreData, function: &str, limit: Limit) -> Error {
    Error::Limit {
        plugin: state.plugin().to_owned(),
        function: function.to_owned(),
        limit,
    }
}

fn trap(state: &StoreData, function: &str, source: wasmtime::Error) -> Error {
    let code = source.downcast_ref::<Trap>().copied();
    let backtrace = source.downcast_ref::<WasmBacktrace>();
    Error::Trap {
        plugin: state.plugin().to_owned(),
        function: function.to_owned(),
        message: trap_message(code, &source),
        backtrace: backtrace.map_or_else(String::new, frames),
        code,
        source: is_embedders(&source).then(|| HostError::new(source)),
    }
}

/// The limit behind an error, if one is.
fn limit(limits: &Limits, state: &StoreData, source: &wasmtime::Error) -> Option<Limit> {
    match source.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => {
            return Some(match (limits.total_time, state.ends_with_total_time()) {
                (Some(total), true) => Limit::TotalTime(total),
                _ => Limit::Time(limits.time),
            });
        }
        Some(Trap::OutOfFuel) => return Some(Limit::Fuel(limits.fuel.unwrap_or_default())),
        _ => {}
    }
    let known = known_limit(limits, source);
    if known.is_none() && is_embedders(source) {
        return None;
    }
    // A guest that is refused memory nearly always traps, or exits.
    state.memory.refused.or(known)
}

/// The limit that an error names by itself.
fn known_limit(limits: &Limits, source: &wasmtime::Error) -> Option<Limit> {
    if let Some(Reached(limit)) = source.downcast_ref() {
        return Some(*limit);
    }
    if let Some(ResourceTableError::Full) = source.downcast_ref() {
        return Some(Limit::Handles(limits.handles));
    }
    Some(match wasmtime_errors::limit(source)? {
        WasmtimeLimit::Transfer => Limit::Transfer(limits.transfer),
        WasmtimeLimit::Handles => Limit::Handles(limits.handles),
        WasmtimeLimit::CoreInstances => Limit::CoreInstances(limits.core_instances),
        WasmtimeLimit::Random => Limit::Random(limits.random),
    })
}

/// Whether an error has a type that the embedder gave it: none of wasmtime or WASI, and
/// none of those by which wasmtime, or whoever checks an answer, says that a guest's
/// value is not of its type. Those of wasmtime that have no type, or one that cannot be
/// named, are messages, or limits in [`wasmtime_errors`].
fn is_embedders(error: &wasmtime::Error) -> bool {
    use std::char::{CharTryFromError, DecodeUtf16Error};
    use std::num::TryFromIntError;
    use std::str::Utf8Error;
    use std::string::{FromUtf8Error, FromUtf16Error};

    let of_runtime = error.is::<Trap>()
        || error.is::<I32Exit>()
        || error.is::<Reached>()
        || error.is::<ResourceTableError>()
        || error.is::<wasmtime::error::OutOfMemory>()
        || error.is::<wasmtime::WasmtimeBug>();
    let of_value = error.is::<Utf8Error>()
        || error.is::<FromUtf8Error>()
        || error.is::<FromUtf16Error>()
        || error.is::<DecodeUtf16Error>()
        || error.is::<CharTryFromError>()
        || error.is::<TryFromIntError>()
        || wasmtime_errors::is_wrong_handle(error);
    let is_message = error.is::<&'static str>() || error.is::<String>();
    !(of_runtime || of_value || is_message)
}

fn trap_message(trap: Option<Trap>, source: &wasmtime::Error) -> String {
    if let Some(exit) = source.downcast_ref::<I32Exit>() {
        return format!("it called `exit` with code {}", exit.0);
    }
    let message = trap.map_or_else(|| source.root_cause().to_string(), |trap| trap.to_string());
    text::message(message.trim_start_matches("wasm trap: "))
}
