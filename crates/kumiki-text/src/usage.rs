//! What a plugin used, so that limits can be set by what it needs.

use std::time::Duration;

use crate::Error;

/// What one plugin used so far: how often, and the most of any call. A call may
/// have many records, where a plugin takes many at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Records that it was given.
    pub calls: u64,
    /// Records that it refused with an error of its own.
    pub refused: u64,
    /// Records that it gave no answer for: traps and limits.
    pub failed: u64,
    /// The longest call.
    pub longest: Duration,
    /// All calls together, failed ones included.
    pub time: Duration,
    /// The most bytes of linear memory that one instance held.
    pub memory: usize,
    /// The most records that a call logged; one more than the limit where it
    /// was reached.
    pub log_records: usize,
    /// The most bytes of them.
    pub log_bytes: usize,
    /// The largest output, in bytes.
    pub output: usize,
    /// The most instructions of a call, where they are counted.
    pub fuel: Option<u64>,
}

/// What was seen of one call.
pub(crate) struct Seen {
    pub(crate) time: Duration,
    pub(crate) memory: usize,
    pub(crate) log: (usize, usize),
    pub(crate) fuel: Option<u64>,
}

impl Usage {
    /// Adds what the same plugin used elsewhere, on another thread: what was
    /// counted is summed, and of what is the most of any call, the larger one
    /// stays.
    pub fn merge(&mut self, other: &Self) {
        // A new field must be named here.
        let Self {
            calls,
            refused,
            failed,
            longest,
            time,
            memory,
            log_records,
            log_bytes,
            output,
            fuel,
        } = other;
        self.calls += calls;
        self.refused += refused;
        self.failed += failed;
        self.time += *time;
        self.longest = self.longest.max(*longest);
        self.memory = self.memory.max(*memory);
        self.log_records = self.log_records.max(*log_records);
        self.log_bytes = self.log_bytes.max(*log_bytes);
        self.output = self.output.max(*output);
        self.fuel = self.fuel.max(*fuel);
    }

    /// Adds so many answers, of which the longest output has so many bytes.
    pub(crate) fn add_answers(&mut self, records: usize, longest: usize) {
        self.calls += records as u64;
        self.output = self.output.max(longest);
    }

    /// Adds a record without an answer.
    pub(crate) fn add_failure(&mut self, error: &Error) {
        self.calls += 1;
        match error {
            Error::Plugin { .. } => self.refused += 1,
            _ => self.failed += 1,
        }
    }

    /// Adds what was seen of a call, which may have had many records.
    pub(crate) fn add_call(&mut self, seen: &Seen) {
        self.longest = self.longest.max(seen.time);
        self.time += seen.time;
        self.memory = self.memory.max(seen.memory);
        self.log_records = self.log_records.max(seen.log.0);
        self.log_bytes = self.log_bytes.max(seen.log.1);
        self.fuel = self.fuel.max(seen.fuel);
    }
}
