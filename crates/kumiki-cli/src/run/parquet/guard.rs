//! What the crate parquet does with a file that lies.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use parquet::errors::ParquetError;

thread_local! {
    /// Whether a panic on this thread is awaited, and told of as an error.
    static AWAITED: Cell<bool> = const { Cell::new(false) };
}

/// Does what reads a file, and makes an error of a panic: of bytes that were
/// changed some let the crate parquet panic where it should refuse them. What
/// was being read is not to be used again.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !AWAITED.get() {
                usual(panic);
            }
        }));
    });
    let before = AWAITED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    AWAITED.set(before);
    match result {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("its parts contradict each other".to_owned()),
    }
}
