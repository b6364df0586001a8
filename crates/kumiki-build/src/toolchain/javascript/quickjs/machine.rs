//! An interpreter of WebAssembly, in which a build runs QuickJS: to compile modules, and to
//! find out whether a plugin starts.

use wasmi::{Config, Engine, Error, Store, StoreLimits, StoreLimitsBuilder};

/// The instructions that a build runs at most, roughly: about a minute.
const FUEL: u64 = 20_000_000_000;

/// The memory of a plugin while it is built, at most, in bytes.
const MAX_MEMORY: usize = 1 << 30;

/// Nested calls at most, and the bytes of their values.
const MAX_CALLS: usize = 1 << 20;
const MAX_STACK: usize = 256 << 20;

/// Creates an interpreter with its data, which ends after about a minute.
pub(super) fn machine() -> Result<(Engine, Store<StoreLimits>), Error> {
    let mut config = Config::default();
    config.consume_fuel(true);
    // QuickJS checks its own stack, which is in its memory.
    config.set_max_recursion_depth(MAX_CALLS);
    config.set_max_stack_height(MAX_STACK);
    let engine = Engine::new(&config);
    let limits = StoreLimitsBuilder::new().memory_size(MAX_MEMORY);
    let mut store = Store::new(&engine, limits.build());
    store.limiter(|limits| limits);
    store.set_fuel(FUEL)?;
    Ok((engine, store))
}

/// Says why code did not complete.
pub(super) fn reason(error: &Error) -> String {
    match error.as_trap_code() {
        Some(wasmi::TrapCode::OutOfFuel) => "it runs for too long".to_owned(),
        Some(wasmi::TrapCode::StackOverflow) => "it nests too deeply".to_owned(),
        _ => error.to_string(),
    }
}
