//! How many descriptors guests hold: open files, folders, sockets and
//! connections. Counted for each instance and for the process, which keeps a
//! reserve: the host's own files never meet the system's limit because of a
//! plugin.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::{Limit, Reached};

/// The descriptors that all guests of the process hold.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// The most that all guests may hold; 0 until it is worked out.
static MOST: AtomicUsize = AtomicUsize::new(0);

/// What the process keeps for itself, where its limit is large enough: inputs,
/// outputs, caches, pipes, and what a lookup or a folder that is walked opens
/// for a moment.
const RESERVE: usize = 128;

/// How many an instance may hold before it must leave half of the guests' share
/// to others.
const FIRST: usize = 16;

/// What is assumed where the system has no limit, or does not tell it.
const UNKNOWN: usize = 8192;

/// Raises the number of files that this process may have open (`RLIMIT_NOFILE`)
/// to the most that the system lets it, and returns that number. Plugins may
/// hold all of them together but for a reserve: at least 128, or half where the
/// limit is below 256.
///
/// `kumiki run` and `kumiki check` do this at their start. A library does not
/// change its process unasked: call this before the first plugin opens
/// anything. Where the limit cannot be raised, it stays as it was. On systems
/// without such a limit (Windows) nothing happens and 8192 is returned.
pub fn raise_descriptor_limit() -> usize {
    let limit = system::raise();
    MOST.store(share_of_guests(limit), Ordering::Relaxed);
    limit
}

fn share_of_guests(limit: usize) -> usize {
    let reserve = RESERVE.max(limit / 8).min(limit / 2);
    (limit - reserve).max(1)
}

fn most() -> usize {
    match MOST.load(Ordering::Relaxed) {
        0 => {
            let most = share_of_guests(system::limit());
            MOST.store(most, Ordering::Relaxed);
            most
        }
        most => most,
    }
}

#[cfg(unix)]
mod system {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::UNKNOWN;

    /// The most that macOS takes, whatever it says (`OPEN_MAX`).
    const APPLE: u64 = 10_240;

    pub(super) fn limit() -> usize {
        let current = getrlimit(Resource::Nofile).current;
        current.map_or(UNKNOWN, |limit| usize::try_from(limit).unwrap_or(UNKNOWN))
    }

    pub(super) fn raise() -> usize {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = match maximum {
            Some(maximum) if cfg!(target_vendor = "apple") => Some(maximum.min(APPLE)),
            None if cfg!(target_vendor = "apple") => Some(APPLE),
            maximum => maximum,
        };
        // No number is the greatest.
        let of = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        if of(wanted) > of(current) {
            let raised = Rlimit {
                current: wanted,
                maximum,
            };
            // What is refused stays as it was.
            let _ = setrlimit(Resource::Nofile, raised);
        }
        limit()
    }
}

#[cfg(not(unix))]
mod system {
    pub(super) fn limit() -> usize {
        super::UNKNOWN
    }

    pub(super) fn raise() -> usize {
        super::UNKNOWN
    }
}

/// The descriptors of one instance.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    held: AtomicUsize,
}

/// Why there is no descriptor for a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The instance holds as many as it may.
    Instance(usize),
    /// All guests together hold as many as they may.
    Process,
}

impl Refused {
    /// What ends the call, if the instance itself is at its limit.
    pub(crate) fn reached(self) -> Option<Reached> {
        match self {
            Self::Instance(limit) => Some(Reached(Limit::Descriptors(limit))),
            Self::Process => None,
        }
    }
}

/// Some descriptors that a guest may hold until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    budget: Arc<Budget>,
    count: usize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            held: AtomicUsize::new(0),
        })
    }

    /// How many the instance holds.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Takes `count` more, before they are opened.
    pub(crate) fn take(self: &Arc<Self>, count: usize) -> Result<Permit, Refused> {
        let held = add(&self.held, count, self.limit).ok_or(Refused::Instance(self.limit))?;
        let most = most();
        let bound = if held < FIRST { most } else { most / 2 };
        if add(&HELD, count, bound).is_none() {
            self.held.fetch_sub(count, Ordering::Relaxed);
            return Err(Refused::Process);
        }
        Ok(Permit {
            budget: self.clone(),
            count,
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.count, Ordering::Relaxed);
        HELD.fetch_sub(self.count, Ordering::Relaxed);
    }
}

/// Adds to a number that must not go beyond `bound`; returns what it was.
fn add(number: &AtomicUsize, count: usize, bound: usize) -> Option<usize> {
    let add = |held: usize| held.checked_add(count).filter(|sum| *sum <= bound);
    number
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_keeps_a_reserve() {
        for (limit, guests) in [
            (0, 1),
            (20, 10),
            (256, 128),
            (1024, 896),
            (20_000, 17_500),
            (1 << 20, 917_504),
        ] {
            assert_eq!(share_of_guests(limit), guests, "{limit}");
        }
    }

    #[test]
    fn an_instance_holds_no_more_than_its_limit() {
        let budget = Budget::new(3);
        let two = budget.take(2).unwrap();
        assert_eq!(budget.take(2).unwrap_err(), Refused::Instance(3));
        let one = budget.take(1).unwrap();
        assert_eq!(budget.held(), 3);
        drop(two);
        assert_eq!(budget.held(), 1);
        drop(one);
        assert_eq!(budget.held(), 0);
        assert!(budget.take(usize::MAX).is_err());
    }
}
