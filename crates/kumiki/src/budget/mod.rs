//! What all plugins of a process may use together. A limit of
//! [`Limits`](crate::Limits) holds for one instance; many instances, each
//! within its limits, could still use more memory than the machine has.
//!
//! A resource of the process is a [`Counter`]: charged before it is taken,
//! released when its owner is dropped. Memory is the first; a further resource,
//! such as open descriptors, is one more counter here.

mod counter;
mod machine;

use std::sync::{Arc, OnceLock};

use counter::Counter;

/// How much all plugins that share it may use at a time. Cheap to clone; a
/// clone is the same budget. Every [`Host`](crate::Host) has one: that of the
/// process, unless [`HostBuilder::budget`] gives it another.
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
    /// A budget of this many bytes of memory.
    #[must_use]
    pub fn new(memory: usize) -> Self {
        Self {
            memory: Arc::new(Counter::new(memory)),
        }
    }

    /// The budget of this process, which all hosts share that have no budget of
    /// their own. Its memory is three quarters of what the process may have:
    /// the machine's memory, or the limit of its control group (versions 1 and
    /// 2) where that is less. The system is asked once, on Linux; elsewhere
    /// there is no bound.
    #[must_use]
    pub fn of_process() -> Self {
        static BUDGET: OnceLock<Budget> = OnceLock::new();
        BUDGET.get_or_init(|| Self::new(machine::share())).clone()
    }

    /// How many bytes of memory all plugins may hold together: their linear
    /// memories, and 8 bytes for each element of a table.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.memory.most()
    }

    /// How many of these bytes they hold now.
    #[must_use]
    pub fn memory_used(&self) -> usize {
        self.memory.used()
    }

    /// What one instance holds of this budget: nothing yet.
    pub(crate) fn share(&self) -> MemoryShare {
        MemoryShare {
            counter: self.memory.clone(),
            bytes: 0,
        }
    }
}

/// What one instance holds of a budget's memory; given back when it is dropped.
pub(crate) struct MemoryShare {
    counter: Arc<Counter>,
    bytes: usize,
}

impl MemoryShare {
    /// Takes this many more bytes, or nothing if there are not so many left.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let taken = self.counter.take(bytes);
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    /// How many bytes the whole budget has.
    pub(crate) fn most(&self) -> usize {
        self.counter.most()
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.counter.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_share_is_given_back() {
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
    fn the_process_has_one_budget() {
        let (one, two) = (Budget::of_process(), Budget::of_process());
        assert!(Arc::ptr_eq(&one.memory, &two.memory));
        assert!(one.memory() > 0);
    }
}
