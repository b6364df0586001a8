//! Room in the slots of an engine, counted before an instance is made.
//!
//! wasmtime takes a slot for each memory and table when it comes to it. An instance of
//! several modules could run the start code of some, and then find no slot for the next.
//! Whoever reserves first finds all slots free that it needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::component::Component;

use super::slots;

/// How many memories and tables an instance takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    memories: usize,
    tables: usize,
}

impl Needs {
    /// What an instance of this component takes.
    pub(crate) fn of(component: &Component) -> Self {
        match component.resources_required() {
            Some(required) => Self {
                memories: required.num_memories as usize,
                tables: required.num_tables as usize,
            },
            // It depends on what is imported: more than there is.
            None => Self {
                memories: usize::MAX,
                tables: usize::MAX,
            },
        }
    }
}

/// The memories and tables of an engine's slots that are taken.
#[derive(Debug)]
pub(super) struct Room {
    memories: AtomicUsize,
    tables: AtomicUsize,
    most: Needs,
}

impl Room {
    /// The room in so many slots; none for an engine without slots, which has no bound.
    pub(super) fn of(slots: u32) -> Option<Arc<Self>> {
        let most = Needs {
            memories: slots as usize,
            tables: slots::tables(slots) as usize,
        };
        let room = || {
            Arc::new(Self {
                memories: AtomicUsize::new(0),
                tables: AtomicUsize::new(0),
                most,
            })
        };
        (slots > 0).then(room)
    }
}

/// Memories and tables that are reserved until this is dropped. It must outlive the
/// store whose instance has them.
#[derive(Debug)]
pub(crate) struct Reservation {
    /// None for an engine without slots.
    taken: Option<(Arc<Room>, Needs)>,
}

impl Reservation {
    /// Reserves what an instance needs, all or nothing.
    pub(super) fn take(room: Option<&Arc<Room>>, needs: Needs) -> Option<Self> {
        let Some(room) = room else {
            return Some(Self { taken: None });
        };
        take(&room.memories, needs.memories, room.most.memories)?;
        if take(&room.tables, needs.tables, room.most.tables).is_none() {
            room.memories.fetch_sub(needs.memories, Ordering::AcqRel);
            return None;
        }
        Some(Self {
            taken: Some((room.clone(), needs)),
        })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some((room, needs)) = &self.taken {
            // Whoever sees the number sees the slots free.
            room.memories.fetch_sub(needs.memories, Ordering::AcqRel);
            room.tables.fetch_sub(needs.tables, Ordering::AcqRel);
        }
    }
}

fn take(number: &AtomicUsize, count: usize, most: usize) -> Option<()> {
    let more = |taken: usize| taken.checked_add(count).filter(|sum| *sum <= most);
    let taken = number.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
    taken.ok().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_reserved_or_nothing() {
        let room = Room::of(2);
        let needs = |memories, tables| Needs { memories, tables };
        let take = |memories, tables| Reservation::take(room.as_ref(), needs(memories, tables));
        let one = take(1, 1).unwrap();
        assert!(take(1, 8).is_none(), "too many tables");
        let other = take(1, 7).unwrap();
        assert!(take(1, 0).is_none() && take(0, 1).is_none());
        assert!(take(0, 0).is_some());
        drop(one);
        assert!(take(2, 0).is_none());
        drop(other);
        assert!(take(2, 8).is_some());
        assert!(take(usize::MAX, 0).is_none());
    }

    #[test]
    fn an_engine_without_slots_has_no_bound() {
        let needs = Needs {
            memories: usize::MAX,
            tables: usize::MAX,
        };
        assert!(Reservation::take(Room::of(0).as_ref(), needs).is_some());
    }
}
