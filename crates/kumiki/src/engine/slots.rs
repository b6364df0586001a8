//! Slots of the pooling allocator: address space that is reserved once, so that creating
//! an instance needs almost no system calls.
//!
//! A slot is the address space of one linear memory, 4 GiB and its guard, because
//! compiled code expects this much whatever the memory's size. It uses no memory until a
//! guest touches it. The number of slots is fixed when the engine is created; they are
//! not sized for particular plugins, because any plugin may be loaded later. An instance
//! that does not fit (one memory too many, a table too large, all slots in use) is
//! created on an engine without slots.
//!
//! `docs/decisions/0007-warm-instances.md` explains these numbers.

use wasmtime::{Config, Enabled, PoolingAllocationConfig};

/// The default number of slots.
pub(crate) const DEFAULT: u32 = 1_000;

/// The number of tables per slot. A component has one table of its own and one for each
/// of its adapters.
const TABLES: u32 = 4;
/// The maximum number of elements in such a table: as many as a host's default limits
/// allow. Each is 8 bytes of address space.
const TABLE_ELEMENTS: usize = 1_000_000;
/// The maximum number of memories that one module may have in slots.
const MEMORIES: u32 = 16;
/// How many bytes of a table are cleared and reused, instead of being returned to the
/// system and requested again.
const TABLE_KEEP_RESIDENT: usize = 16 << 10;
/// How many bytes of a memory are cleared and reused.
const MEMORY_KEEP_RESIDENT: usize = 64 << 10;

/// How many bytes of a stack for asynchronous calls are cleared and reused.
const STACK_KEEP_RESIDENT: usize = 16 << 10;

/// Returns the number of tables for this many slots.
pub(super) fn tables(slots: u32) -> u32 {
    slots.saturating_mul(TABLES)
}

/// Configures the pooling allocator with this many slots, each with a stack for
/// asynchronous calls if `stacks` is set.
pub(crate) fn configure(config: &mut Config, slots: u32, stacks: bool) {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(slots)
        .total_tables(tables(slots))
        .table_elements(TABLE_ELEMENTS)
        .max_memories_per_module(MEMORIES)
        // Only memories and tables are reserved; the following are only counted.
        .max_tables_per_module(u32::MAX)
        .total_core_instances(u32::MAX)
        .total_component_instances(u32::MAX)
        .max_core_instance_size(usize::MAX / 2)
        .max_component_instance_size(usize::MAX / 2)
        // Synchronous calls run on the caller's stack. 1,000 stacks make the engine 20
        // times as slow to create.
        .total_stacks(if stacks { slots } else { 1 })
        .linear_memory_keep_resident(MEMORY_KEEP_RESIDENT)
        .table_keep_resident(TABLE_KEEP_RESIDENT)
        .async_stack_keep_resident(STACK_KEEP_RESIDENT)
        // It skips pages that were swapped out, so the next plugin could read them
        // (fixed in wasmtime 50).
        .pagemap_scan(Enabled::No);
    // Returns the rest of a stack to the system when its instance ends.
    config.async_stack_zeroing(stacks);
    config.allocation_strategy(pool);
}

/// Returns the numbers of slots to try in turn when the address space is too small for
/// `slots`: half as many each time.
pub(super) fn smaller_counts(slots: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(slots / 2), |slots| Some(slots / 2)).take_while(|slots| *slots > 0)
}

/// Returns how many of the slots instances can use whose tables may have this many
/// elements: none if the tables may outgrow those of a slot.
pub(crate) fn usable(slots: u32, table_elements: usize) -> u32 {
    match table_elements > TABLE_ELEMENTS {
        true => 0,
        false => slots,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_counts_halve() {
        assert_eq!(smaller_counts(1).count(), 0);
        assert_eq!(smaller_counts(10).collect::<Vec<_>>(), [5, 2, 1]);
    }
}
