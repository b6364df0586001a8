//! Panics of libraries over bytes that they should refuse.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic on this thread is caught and becomes an error.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` and returns `None` if it panics. The panic is not printed: the first
/// call adds a panic hook to the process that passes all other panics on. What `work`
/// has borrowed must not be used after a panic.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Option<T> {
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
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_also_within_another_call() {
        let both = catch_panic(|| {
            let inner: Option<()> = catch_panic(|| panic!("as it should"));
            assert_eq!(inner, None);
            7
        });
        assert_eq!(both, Some(7));
        assert_eq!(catch_panic(|| -> u8 { panic!("as it should") }), None);
        assert!(!EXPECTED.get());
    }
}
