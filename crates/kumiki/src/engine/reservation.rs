//! Reservation of an engine's slots before an instance is created.
//!
//! wasmtime allocates a slot for each memory and table when it instantiates the module
//! that has it. An instance of several modules could run the start code of some and then
//! find no slot for the next. A reservation guarantees that all slots are free.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::slots;
use crate::inspect::InstanceSize;

/// The number of memories and tables that an instance needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotNeeds {
    memories: usize,
    tables: usize,
}

impl SlotNeeds {
    /// Returns what an instance of this size needs.
    pub(crate) fn of(size: InstanceSize) -> Self {
        Self {
            // At least one, because a slot also has a stack.
            memories: size.memories.max(1),
            tables: size.tables,
        }
    }
}

/// The number of memories and tables in use in an engine's slots.
#[derive(Debug)]
pub(super) struct SlotUsage {
    memories: AtomicUsize,
    tables: AtomicUsize,
    max: SlotNeeds,
}

impl SlotUsage {
    /// Returns the usage of this many free slots; `None` for 0, because an engine without
    /// slots has no maximum.
    pub(super) fn new(slots: u32) -> Option<Arc<Self>> {
        let max = SlotNeeds {
            memories: slots as usize,
            tables: slots::tables(slots) as usize,
        };
        let usage = || {
            Arc::new(Self {
                memories: AtomicUsize::new(0),
                tables: AtomicUsize::new(0),
                max,
            })
        };
        (slots > 0).then(usage)
    }
}

/// Memories and tables that stay reserved until this is dropped. It must outlive the
/// store of the instance that uses them.
#[derive(Debug)]
pub(crate) struct Reservation {
    /// `None` for an engine without slots.
    reserved: Option<(Arc<SlotUsage>, SlotNeeds)>,
}

impl Reservation {
    /// Reserves everything that an instance needs, or nothing.
    pub(super) fn new(usage: Option<&Arc<SlotUsage>>, needs: SlotNeeds) -> Option<Self> {
        let Some(usage) = usage else {
            return Some(Self { reserved: None });
        };
        add(&usage.memories, needs.memories, usage.max.memories)?;
        if add(&usage.tables, needs.tables, usage.max.tables).is_none() {
            usage.memories.fetch_sub(needs.memories, Ordering::AcqRel);
            return None;
        }
        Some(Self {
            reserved: Some((usage.clone(), needs)),
        })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some((usage, needs)) = &self.reserved {
            // A thread that reads the lower number must also see the slots as free.
            usage.memories.fetch_sub(needs.memories, Ordering::AcqRel);
            usage.tables.fetch_sub(needs.tables, Ordering::AcqRel);
        }
    }
}

/// Adds `count` to a number unless the sum exceeds `max`.
fn add(number: &AtomicUsize, count: usize, max: usize) -> Option<()> {
    let sum = |used: usize| used.checked_add(count).filter(|sum| *sum <= max);
    let added = number.fetch_update(Ordering::AcqRel, Ordering::Acquire, sum);
    added.ok().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservation_is_all_or_nothing() {
        let usage = SlotUsage::new(2);
        let needs = |memories, tables| SlotNeeds { memories, tables };
        let reserve = |memories, tables| Reservation::new(usage.as_ref(), needs(memories, tables));
        let one = reserve(1, 1).unwrap();
        assert!(reserve(1, 8).is_none(), "too many tables");
        let other = reserve(1, 7).unwrap();
        assert!(reserve(1, 0).is_none() && reserve(0, 1).is_none());
        assert!(reserve(0, 0).is_some());
        drop(one);
        assert!(reserve(2, 0).is_none());
        drop(other);
        assert!(reserve(2, 8).is_some());
        assert!(reserve(usize::MAX, 0).is_none());
    }

    #[test]
    fn engine_without_slots_has_no_maximum() {
        let needs = SlotNeeds {
            memories: usize::MAX,
            tables: usize::MAX,
        };
        assert!(Reservation::new(SlotUsage::new(0).as_ref(), needs).is_some());
    }
}
