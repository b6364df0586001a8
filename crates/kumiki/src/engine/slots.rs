//! Slots: room for instances that is reserved once, so that making an instance
//! asks the system for next to nothing.
//!
//! A slot is the address space of one linear memory, 4 GiB and its guard, as
//! compiled code expects it whatever the memory's size: address space, of which
//! nothing is used before a guest touches it. The number is fixed when the
//! engine is made; what the slots hold is not asked for here, because any plugin
//! may come. Whatever has no place in them (one memory too many, a table too
//! large, all slots taken) lives outside, on an engine without slots.
//!
//! `docs/decisions/0007-warm-instances.md` says why it is these numbers.

use wasmtime::{Config, Enabled, PoolingAllocationConfig};

/// Slots of an engine that nobody has said a number for.
pub(crate) const DEFAULT: u32 = 1_000;

/// Tables that there is room for, for each slot. A component has one table of
/// its own and one for each of its adapters.
const TABLES: u32 = 4;
/// Elements that such a table may have: what a host's limits allow, unless they
/// are raised. Each is 8 bytes of address space.
const TABLE_ELEMENTS: usize = 1_000_000;
/// Memories that one module may have in slots.
const MEMORIES: u32 = 16;
/// Bytes of a table that are cleared, in the place of being given back to the
/// system and asked for again.
const TABLE_KEPT: usize = 16 << 10;
/// The same of a memory.
const MEMORY_KEPT: usize = 64 << 10;

/// How many tables there is room for in so many slots.
pub(super) fn tables(slots: u32) -> u32 {
    slots.saturating_mul(TABLES)
}

/// Has instances live in so many slots.
pub(crate) fn reserve(config: &mut Config, slots: u32) {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(slots)
        .total_tables(tables(slots))
        .table_elements(TABLE_ELEMENTS)
        .max_memories_per_module(MEMORIES)
        // Only the memories and tables are reserved: these are merely counted.
        .max_tables_per_module(u32::MAX)
        .total_core_instances(u32::MAX)
        .total_component_instances(u32::MAX)
        .max_core_instance_size(usize::MAX / 2)
        .max_component_instance_size(usize::MAX / 2)
        // Synchronous calls run on the caller's stack: the default of 1,000
        // makes the engine 20 times as slow to make.
        .total_stacks(1)
        .linear_memory_keep_resident(MEMORY_KEPT)
        .table_keep_resident(TABLE_KEPT)
        // It passes over what was swapped out, which the next plugin would then
        // read (mended in wasmtime 50).
        .pagemap_scan(Enabled::No);
    config.allocation_strategy(pool);
}

/// The numbers of slots to try in turn, where so many are refused for want of
/// address space: half as many each time.
pub(crate) fn fewer(slots: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(slots / 2), |slots| Some(slots / 2)).take_while(|slots| *slots > 0)
}

/// How many slots are of use to instances whose tables may have this many elements:
/// none, where they may grow beyond those of a slot.
pub(crate) fn within(slots: u32, table_elements: usize) -> u32 {
    match table_elements > TABLE_ELEMENTS {
        true => 0,
        false => slots,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_as_many_each_time() {
        assert_eq!(fewer(1).count(), 0);
        assert_eq!(fewer(10).collect::<Vec<_>>(), [5, 2, 1]);
    }
}
