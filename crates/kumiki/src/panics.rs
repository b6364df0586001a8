//! Catches panics of libraries on input that they should reject with an error.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether [`catch_panic`] runs on this thread: its panics are not printed.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` and returns `None` if it panics. The panic is not printed: the first
/// call installs a panic hook in the process that passes all other panics to the
/// previous hook. Do not use what `work` has borrowed after a panic.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |panic| {
            if !EXPECTED.get() {
                previous(panic);
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
    fn panics_are_caught_in_nested_calls() {
        let both = catch_panic(|| {
            let inner: Option<()> = catch_panic(|| panic!("expected"));
            assert_eq!(inner, None);
            7
        });
        assert_eq!(both, Some(7));
        assert_eq!(catch_panic(|| -> u8 { panic!("expected") }), None);
        assert!(!EXPECTED.get());
    }
}
