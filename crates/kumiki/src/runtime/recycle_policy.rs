//! When to replace an instance that has not failed.

use std::num::NonZero;

use crate::{Contract, Instance};

/// When to replace an instance that has not failed.
///
/// Instances are reused from call to call, because creating one costs more than a call,
/// and a language runtime warms up. Only these settings, a trap or a limit end an
/// instance; it does not expire with time.
///
/// ```
/// use kumiki::RecyclePolicy;
///
/// // Keeps a plugin from carrying state from one record to another:
/// let fresh = RecyclePolicy::fresh();
/// // For a plugin that leaks memory or accumulates state:
/// let recycling = RecyclePolicy::default().with_calls(10_000).with_memory(64 << 20);
/// assert!(fresh.is_fresh() && !recycling.is_fresh());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecyclePolicy {
    /// Maximum calls to an instance, including those that ask for its name.
    /// Default: no maximum.
    pub calls: Option<NonZero<u64>>,
    /// Maximum bytes of linear memory that an instance may hold after a call. An
    /// instance that held more than half of this after its first call may hold twice
    /// what it held then, because a new instance would need as much.
    /// Default: no maximum besides [`Limits::memory`](crate::Limits::memory).
    pub memory: Option<usize>,
}

impl RecyclePolicy {
    /// Uses a new instance for every call.
    #[must_use]
    pub fn fresh() -> Self {
        Self::default().with_calls(1)
    }

    /// Sets [`RecyclePolicy::calls`]; 0 counts as 1.
    #[must_use]
    pub fn with_calls(mut self, calls: u64) -> Self {
        self.calls = Some(NonZero::new(calls).unwrap_or(NonZero::<u64>::MIN));
        self
    }

    /// Sets [`RecyclePolicy::memory`], in bytes.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Returns whether every call gets a new instance.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.calls == Some(NonZero::<u64>::MIN)
    }

    /// Returns whether an instance must be replaced: because of a trap, limit or panic
    /// in an earlier call, the number of its calls, or its memory.
    #[inline]
    #[must_use]
    pub fn should_recycle<C: Contract>(&self, instance: &Instance<C>) -> bool {
        let Self { calls, memory } = self;
        instance.is_poisoned()
            || calls.is_some_and(|calls| instance.calls() >= calls.get())
            || memory.is_some_and(|most| {
                instance.memory() > most.max(instance.first_memory().saturating_mul(2))
            })
    }
}
