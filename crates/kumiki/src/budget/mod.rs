//! The [`Budget`] that all plugins of a process share. [`Limits`](crate::Limits) apply to
//! one instance; many instances, each within its limits, could still use more memory than
//! the machine has.
//!
//! Each resource of the process has a [`Counter`], charged before the resource is used
//! and released when its owner is dropped. Memory is the only one so far; another
//! resource, such as open descriptors, would be another counter here.

mod counter;
mod machine;

use std::sync::{Arc, OnceLock};

use counter::Counter;

/// A limit on the resources that all plugins of one or more hosts use together. Cheap to
/// clone; all clones share one budget. Every [`Host`](crate::Host) has one: that of the
/// process, unless [`HostBuilder::budget`] sets another.
///
/// ```
/// use kumiki::Budget;
///
/// let budget = Budget::new(512 << 20);
/// assert_eq!((budget.memory(), budget.memory_used()), (512 << 20, 0));
/// ```
///
/// [`HostBuilder::budget`]: crate::HostBuilder::budget
#[derive(Clone, Debug)]
pub struct Budget {
    memory: Arc<Counter>,
}

impl Budget {
    /// Creates a budget of `memory` bytes.
    #[must_use]
    pub fn new(memory: usize) -> Self {
        Self {
            memory: Arc::new(Counter::new(memory)),
        }
    }

    /// Returns the budget of this process, which all hosts without their own budget
    /// share. It is three quarters of the machine's memory, or of the limit of the control
    /// group (versions 1 and 2) if that is lower. It is determined once, on Linux; on
    /// other systems there is no limit.
    #[must_use]
    pub fn of_process() -> Self {
        static BUDGET: OnceLock<Budget> = OnceLock::new();
        BUDGET
            .get_or_init(|| Self::new(machine::default_budget()))
            .clone()
    }

    /// Returns the maximum number of bytes of memory that all plugins may hold together:
    /// linear memories, 8 bytes for each table element, and the host memory for core
    /// instances.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.memory.max()
    }

    /// Returns the number of bytes in use.
    #[must_use]
    pub fn memory_used(&self) -> usize {
        self.memory.used()
    }

    /// Returns an empty share for a new instance.
    pub(crate) fn share(&self) -> MemoryShare {
        MemoryShare {
            counter: self.memory.clone(),
            bytes: 0,
        }
    }
}

/// The part of a budget's memory that one instance uses; released on drop.
pub(crate) struct MemoryShare {
    counter: Arc<Counter>,
    bytes: usize,
}

impl MemoryShare {
    /// Adds this many bytes to the share; returns false if the budget has too few left.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let acquired = self.counter.acquire(bytes);
        if acquired {
            self.bytes += bytes;
        }
        acquired
    }

    /// Returns the total number of bytes in the budget.
    pub(crate) fn most(&self) -> usize {
        self.counter.max()
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.counter.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_share_is_released() {
        let budget = Budget::new(100);
        let (mut one, mut two) = (budget.share(), budget.share());
        assert!(one.take(60) && one.take(20));
        assert!(!two.take(21));
        assert!(two.take(20));
        assert_eq!(budget.memory_used(), 100);
        drop(one);
        assert_eq!(budget.memory_used(), 20);
        assert!(two.take(80));
        drop(two);
        assert_eq!(budget.memory_used(), 0);
    }

    #[test]
    fn process_has_one_budget() {
        let (one, two) = (Budget::of_process(), Budget::of_process());
        assert!(Arc::ptr_eq(&one.memory, &two.memory));
        assert!(one.memory() > 0);
    }
}
