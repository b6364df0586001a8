//! Limits the descriptors that guests hold: open files, folders, sockets and connections.
//! They are counted per instance and per process. The process keeps a reserve, so that
//! plugins never prevent the host from opening its own files.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::{Limit, Reached};

/// The descriptors that all guests of the process hold.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// Maximum descriptors of all guests; 0 until it is computed.
static MAX_HELD: AtomicUsize = AtomicUsize::new(0);

/// Minimum reserve of the process, if its limit is large enough: for inputs, outputs,
/// caches, pipes, and descriptors that a lookup or the walk of a path opens briefly.
const RESERVE: usize = 128;

/// Descriptors that an instance may take from all of the guests' share. Beyond them, it
/// leaves half of the share to others.
const FIRST: usize = 16;

/// The limit that is assumed if the system has none or does not report it.
const UNKNOWN: usize = 8192;

/// Raises the number of files that this process may have open (`RLIMIT_NOFILE`) to the
/// maximum that the system allows, and returns it. All plugins together may hold this many
/// minus a reserve of one eighth, but at least 128, or half if the limit is below 256.
///
/// `kumiki run` and `kumiki check` call this at their start. The library does not change
/// its process by itself: call this before the first plugin opens a file or socket. If the
/// limit cannot be raised, it stays the same. On systems without such a limit (Windows),
/// this does nothing and returns 8192.
pub fn raise_descriptor_limit() -> usize {
    let limit = system::raise();
    MAX_HELD.store(share_of_guests(limit), Ordering::Relaxed);
    limit
}

fn share_of_guests(limit: usize) -> usize {
    let reserve = RESERVE.max(limit / 8).min(limit / 2);
    (limit - reserve).max(1)
}

fn max_held() -> usize {
    match MAX_HELD.load(Ordering::Relaxed) {
        0 => {
            let max = share_of_guests(system::limit());
            MAX_HELD.store(max, Ordering::Relaxed);
            max
        }
        max => max,
    }
}

#[cfg(unix)]
mod system {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::UNKNOWN;

    /// The maximum that macOS accepts, even if it reports more (`OPEN_MAX`).
    const MACOS_MAX: u64 = 10_240;

    pub(super) fn limit() -> usize {
        let current = getrlimit(Resource::Nofile).current;
        current.map_or(UNKNOWN, |limit| usize::try_from(limit).unwrap_or(UNKNOWN))
    }

    pub(super) fn raise() -> usize {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = match maximum {
            Some(maximum) if cfg!(target_vendor = "apple") => Some(maximum.min(MACOS_MAX)),
            None if cfg!(target_vendor = "apple") => Some(MACOS_MAX),
            maximum => maximum,
        };
        // `None` means unlimited.
        let value = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        if value(wanted) > value(current) {
            let raised = Rlimit {
                current: wanted,
                maximum,
            };
            // If this fails, the limit stays the same.
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

/// Counts the descriptors of one instance.
#[derive(Debug)]
pub(crate) struct DescriptorBudget {
    limit: usize,
    held: AtomicUsize,
}

/// Why a guest gets no descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The instance is at this limit.
    Instance(usize),
    /// All guests together are at their limit.
    Process,
}

impl Refused {
    /// The error that ends the call, if the instance is at its limit.
    pub(crate) fn reached(self) -> Option<Reached> {
        match self {
            Self::Instance(limit) => Some(Reached(Limit::Descriptors(limit))),
            Self::Process => None,
        }
    }
}

/// Descriptors that a guest holds; dropping this returns them.
#[derive(Debug)]
pub(crate) struct Permit {
    budget: Arc<DescriptorBudget>,
    count: usize,
}

impl DescriptorBudget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            held: AtomicUsize::new(0),
        })
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Takes `count` descriptors. Call this before opening them.
    pub(crate) fn take(self: &Arc<Self>, count: usize) -> Result<Permit, Refused> {
        let held = add(&self.held, count, self.limit).ok_or(Refused::Instance(self.limit))?;
        let max = max_held();
        let max = if held < FIRST { max } else { max / 2 };
        if add(&HELD, count, max).is_none() {
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

/// Adds `count` to a counter and returns its previous value, unless the sum exceeds `max`.
fn add(counter: &AtomicUsize, count: usize, max: usize) -> Option<usize> {
    let add = |held: usize| held.checked_add(count).filter(|sum| *sum <= max);
    counter
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_keeps_a_reserve() {
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
    fn instance_cannot_exceed_its_limit() {
        let budget = DescriptorBudget::new(3);
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
