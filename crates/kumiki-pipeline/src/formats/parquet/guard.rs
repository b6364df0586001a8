//! Panics of the crate parquet over damaged files, as errors.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use kumiki::excerpt;
use parquet::errors::ParquetError;

/// Maximum characters of an error of the crate parquet.
const REASON: usize = 500;

thread_local! {
    /// Whether a panic on this thread is caught and becomes an error.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, and turns a panic into an error: the crate parquet panics over some
/// damaged bytes that it should refuse. The reader must not be used afterwards.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !EXPECTED.get() {
                usual(panic);
            }
        }));
    });
    let before = EXPECTED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(before);
    match result {
        // The crate quotes names and numbers of the file.
        Ok(result) => result.map_err(|error| excerpt(&error.to_string(), REASON).into_owned()),
        Err(_) => Err("its parts contradict each other".to_owned()),
    }
}
