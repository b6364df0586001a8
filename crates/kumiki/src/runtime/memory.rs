//! Keeps the memory and tables of one instance within its limits and the budget.

use wasmtime::ResourceLimiter;

use crate::budget::MemoryShare;
use crate::{Budget, Limit, Limits};

/// Bytes of an element of a table.
const ELEMENT: usize = size_of::<usize>();

/// Counts the linear memory and the tables of one instance and refuses what is
/// beyond its limits, or beyond the budget that it shares. A refused `memory.grow` gives the guest -1, which nearly
/// all of them answer with a trap: `refused` tells that trap from any other.
pub(crate) struct MemoryLimiter {
    limit: usize,
    used: usize,
    table_elements: usize,
    table_limit: usize,
    core_instances: usize,
    /// What it holds of the budget.
    share: MemoryShare,
    /// The limit that something was refused by in this call.
    pub(crate) refused: Option<Limit>,
}

impl MemoryLimiter {
    pub(super) fn new(limits: &Limits, budget: &Budget) -> Self {
        Self {
            limit: limits.memory,
            used: 0,
            table_elements: 0,
            table_limit: limits.table_elements,
            core_instances: limits.core_instances,
            share: budget.share(),
            refused: None,
        }
    }

    /// Takes the bytes that the host keeps for core instances, before there are any.
    /// They do not count as linear memory.
    pub(crate) fn take_host_bytes(&mut self, bytes: usize) -> Result<(), Limit> {
        if bytes > self.limit {
            return Err(Limit::Memory(self.limit));
        }
        self.take(bytes)
    }

    /// Takes bytes of the budget that do not count as linear memory, such as a stack.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Limit> {
        match self.share.take(bytes) {
            true => Ok(()),
            false => Err(Limit::TotalMemory(self.share.most())),
        }
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Takes this many more bytes of the budget, if it has them.
    fn charge(&mut self, bytes: usize) -> bool {
        let taken = self.take(bytes);
        if let Err(limit) = taken {
            self.refused = Some(limit);
        }
        taken.is_ok()
    }
}

/// Whether a memory or table may not become so large by its own type: then it
/// does not grow, whatever its limits are, and nothing is counted.
fn cannot_have(desired: usize, maximum: Option<usize>) -> bool {
    maximum.is_some_and(|maximum| desired > maximum)
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_sub(current).saturating_add(desired);
        if used > self.limit {
            self.refused = Some(Limit::Memory(self.limit));
            return Ok(false);
        }
        if cannot_have(desired, maximum) || !self.charge(desired.saturating_sub(current)) {
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = self.table_elements.saturating_sub(current);
        let elements = elements.saturating_add(desired);
        if elements > self.table_limit {
            self.refused = Some(Limit::TableElements(self.table_limit));
            return Ok(false);
        }
        let bytes = desired.saturating_sub(current).saturating_mul(ELEMENT);
        if cannot_have(desired, maximum) || !self.charge(bytes) {
            return Ok(false);
        }
        self.table_elements = elements;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.core_instances
    }

    fn memories(&self) -> usize {
        self.core_instances
    }

    fn tables(&self) -> usize {
        self.core_instances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_together_stay_below_the_limit() {
        let limits = Limits::default().with_memory(100);
        let mut memory = MemoryLimiter::new(&limits, &Budget::new(usize::MAX));
        assert!(memory.memory_growing(0, 60, None).unwrap());
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert_eq!(memory.refused, None);
        assert!(!memory.memory_growing(40, 41, None).unwrap());
        assert_eq!(memory.refused, Some(Limit::Memory(100)));
        assert!(!memory.memory_growing(0, usize::MAX, None).unwrap());
    }

    #[test]
    fn all_tables_together_stay_below_the_limit() {
        let limits = Limits::default().with_table_elements(100);
        let mut memory = MemoryLimiter::new(&limits, &Budget::new(usize::MAX));
        assert!(memory.table_growing(0, 60, None).unwrap());
        assert!(memory.table_growing(0, 40, None).unwrap());
        assert_eq!(memory.refused, None);
        assert!(!memory.table_growing(40, 41, None).unwrap());
        assert_eq!(memory.refused, Some(Limit::TableElements(100)));
    }
    #[test]
    fn all_instances_together_stay_within_the_budget() {
        let budget = Budget::new(1000);
        let limits = Limits::default();
        let mut one = MemoryLimiter::new(&limits, &budget);
        let mut two = MemoryLimiter::new(&limits, &budget);
        assert!(one.memory_growing(0, 600, None).unwrap());
        assert!(two.table_growing(0, 50, None).unwrap());
        assert_eq!(budget.memory_used(), 600 + 50 * ELEMENT);
        assert!(!two.table_growing(50, 51, None).unwrap());
        assert_eq!(two.refused, Some(Limit::TotalMemory(1000)));
        assert!(!one.memory_growing(600, 601, None).unwrap());
        assert_eq!(one.refused, Some(Limit::TotalMemory(1000)));
        assert_eq!(one.used(), 600);
        drop(two);
        assert!(one.memory_growing(600, 1000, None).unwrap());
        drop(one);
        assert_eq!(budget.memory_used(), 0);
    }

    #[test]
    fn growth_that_cannot_succeed_is_not_counted() {
        let budget = Budget::new(1000);
        let mut memory = MemoryLimiter::new(&Limits::default(), &budget);
        assert!(!memory.memory_growing(0, 101, Some(100)).unwrap());
        assert!(!memory.table_growing(0, 11, Some(10)).unwrap());
        assert_eq!((memory.refused, memory.used()), (None, 0));
        assert_eq!(budget.memory_used(), 0);
    }
}
