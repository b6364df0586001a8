//! The runtime of tokio that an instance belongs to.

use tokio::runtime::{Handle, Id};

/// The runtime in which an instance was called concurrently. Its plugin may have left a wait
/// behind, such as for a timer, which belongs to that runtime: tokio panics if it is polled
/// after the runtime has ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OwnRuntime(Option<Id>);

impl OwnRuntime {
    /// Records that the instance is called in the current runtime, if there is one. Otherwise
    /// its waits are in a runtime of the process, which never ends.
    pub(super) fn enter(&mut self) {
        self.0 = self.0.or_else(current);
    }

    /// Returns whether the instance belongs to a runtime and the caller is outside of it.
    #[inline]
    pub(super) fn is_left(self) -> bool {
        self.0.is_some_and(|own| current() != Some(own))
    }
}

fn current() -> Option<Id> {
    Handle::try_current().ok().map(|handle| handle.id())
}
