//! Measured resource usage of plugins, as a basis for setting limits.

use std::time::Duration;

use crate::Error;

/// Resource usage of one plugin so far: totals and maxima per call. A call may have
/// many records if the plugin takes batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Records given to the plugin.
    pub records: u64,
    /// Records for which it returned an error.
    pub refused: u64,
    /// Records without an answer because of a trap or a limit.
    pub failed: u64,
    /// Duration of the longest call.
    pub longest: Duration,
    /// Total duration of all calls, including failed ones.
    pub time: Duration,
    /// Maximum linear memory of one instance, in bytes.
    pub memory: usize,
    /// Maximum log records of a call; one more than the limit if a call exceeded it.
    pub log_records: usize,
    /// The most bytes of them.
    pub log_bytes: usize,
    /// Size of the largest output, in bytes.
    pub output: usize,
    /// Maximum fuel of a call, if fuel is metered.
    pub fuel: Option<u64>,
}

/// Measurements of one call, or of several at the same time.
pub(crate) struct CallUsage {
    pub(crate) time: Duration,
    pub(crate) longest: Duration,
    pub(crate) memory: usize,
    pub(crate) log: (usize, usize),
    pub(crate) fuel: Option<u64>,
}

impl Usage {
    /// Merges the usage of the same plugin on another thread: totals are added, and
    /// the larger of two maxima is kept.
    pub fn merge(&mut self, other: &Self) {
        // Destructured so that a new field cannot be forgotten.
        let Self {
            records,
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
        self.records += records;
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

    /// Adds answers of `records` records, the longest output with `longest` bytes.
    pub(crate) fn add_answers(&mut self, records: usize, longest: usize) {
        self.records += records as u64;
        self.output = self.output.max(longest);
    }

    /// Adds a record that failed with `error`.
    pub(crate) fn add_failure(&mut self, error: &Error) {
        self.records += 1;
        match error {
            Error::Plugin { .. } => self.refused += 1,
            _ => self.failed += 1,
        }
    }

    /// Adds the measurements of a call, which may have had many records.
    pub(crate) fn add_call(&mut self, call: &CallUsage) {
        self.longest = self.longest.max(call.longest);
        self.time += call.time;
        self.memory = self.memory.max(call.memory);
        self.log_records = self.log_records.max(call.log.0);
        self.log_bytes = self.log_bytes.max(call.log.1);
        self.fuel = self.fuel.max(call.fuel);
    }
}
