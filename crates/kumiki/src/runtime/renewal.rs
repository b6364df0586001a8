//! When an instance gives way to a new one though nothing failed.

use std::num::NonZero;

use crate::{Contract, Instance};

/// What ends an instance that could still be called.
///
/// An instance is kept from call to call, because making one costs more than a
/// call, and a language's runtime warms up. Nothing ends it unless it is said
/// here, or unless it traps or runs into a limit: it has no age.
///
/// ```
/// use kumiki::Renewal;
///
/// // What a plugin keeps from one record cannot reach another:
/// let fresh = Renewal::fresh();
/// // One that leaks, or remembers too much:
/// let renewal = Renewal::default().with_calls(10_000).with_memory(64 << 20);
/// assert!(fresh.is_fresh() && !renewal.is_fresh());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Renewal {
    /// Calls that an instance answers; those that ask for its name count as any
    /// other. Default: any number.
    pub calls: Option<NonZero<u64>>,
    /// Bytes of linear memory that an instance may hold after a call. One that
    /// held more than half of this already after its first call may hold
    /// twice what it held then: it needs so much, and a new one would, too.
    /// Default: as much as its limit lets it have.
    pub memory: Option<usize>,
}

impl Renewal {
    /// A new instance for every call.
    #[must_use]
    pub fn fresh() -> Self {
        Self::default().with_calls(1)
    }

    /// This renewal, after so many calls; 0 is 1.
    #[must_use]
    pub fn with_calls(mut self, calls: u64) -> Self {
        self.calls = Some(NonZero::new(calls).unwrap_or(NonZero::<u64>::MIN));
        self
    }

    /// This renewal, beyond so many bytes.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Whether every call gets a new instance.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.calls == Some(NonZero::<u64>::MIN)
    }

    /// Whether an instance is not to be called again. All that can end one is
    /// here: a trap or a limit in an earlier call, the number of its calls, and
    /// its memory.
    #[inline]
    #[must_use]
    pub fn ends<C: Contract>(&self, instance: &Instance<C>) -> bool {
        let Self { calls, memory } = self;
        instance.is_poisoned()
            || calls.is_some_and(|calls| instance.calls() >= calls.get())
            || memory.is_some_and(|most| {
                instance.memory() > most.max(instance.first_memory().saturating_mul(2))
            })
    }
}
