//! How much a plugin may use. A limit here holds for each call by itself, or for
//! the instance, as it says.

use std::fmt;
use std::time::Duration;

use crate::clock::TICK;

/// How much each call into a plugin may use, and how much memory its instance
/// may hold. The defaults are on for every [`Host`](crate::Host).
///
/// ```
/// use std::time::Duration;
/// use kumiki::Limits;
///
/// let limits = Limits::default().with_time(Duration::from_millis(100)).with_memory(64 << 20);
/// assert_eq!(limits.memory, 64 * 1024 * 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Time a call may take, kept to [`TICK`](crate::TICK), whether the guest
    /// computes, sleeps or waits for a stream. A contract's own functions and
    /// the file system are waited for. Default: 10 s.
    pub time: Duration,
    /// Bytes of linear memory that one instance may hold, all its memories
    /// together. Default: 1 GiB, a quarter of what 32-bit WebAssembly can
    /// address: a guest needs several times the size of its largest record.
    pub memory: usize,
    /// Bytes that one call may hand to the host: its result, and what it gives
    /// to each host function. Default: 256 MiB.
    pub transfer: usize,
    /// Bytes of results that may be in memory at a time, where a contract's host
    /// collects them: what one record comes to fails if it needs more alone.
    /// Default: 160 MiB: the longest line that `kumiki run` reads by default, and what belongs to it.
    pub output: usize,
    /// Elements that the tables of one instance may have, all together; each is
    /// a pointer of the host. Default: 1,000,000.
    pub table_elements: usize,
    /// Core instances, and likewise memories and tables, that one component may
    /// be made of. Default: 1,000.
    pub core_instances: usize,
    /// Handles that one instance may hold at a time: streams, open files,
    /// timers. Default: 10,000.
    pub handles: usize,
    /// Descriptors of the system that one instance may hold at a time: open
    /// files, folders, sockets, connections of HTTP. Default: 256.
    ///
    /// All instances together may hold what the process has, but for a reserve:
    /// see [`raise_descriptor_limit`](crate::raise_descriptor_limit).
    pub descriptors: usize,
    /// Entries of a list in a result, where a contract bounds one: the metadata
    /// of a text. The contract's host checks it. Default: 10,000.
    pub entries: usize,
    /// Records that a call may log, what it writes on standard output and error
    /// included. What is beyond is left out, with one notice. Default: 1,000.
    pub log_records: usize,
    /// Bytes of these records, all together. Default: 1 MiB.
    pub log_bytes: usize,
    /// Random bytes that a guest may ask for at once. Default: 1 MiB.
    pub random: usize,
    /// Bytes of a plugin's file. Default: 256 MiB.
    pub component: usize,
    /// Instructions that a call may run, counted exactly. Default: none,
    /// because counting costs running time ([`EngineConfig::fuel`]).
    ///
    /// [`EngineConfig::fuel`]: crate::EngineConfig::fuel
    pub fuel: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10),
            memory: 1 << 30,
            transfer: 256 << 20,
            output: 160 << 20,
            table_elements: 1_000_000,
            core_instances: 1_000,
            handles: 10_000,
            descriptors: 256,
            entries: 10_000,
            log_records: 1_000,
            log_bytes: 1 << 20,
            random: 1 << 20,
            component: 256 << 20,
            fuel: None,
        }
    }
}

impl Limits {
    /// These limits, with another time for each call.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// These limits, with another number of bytes of memory for an instance.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// These limits, with another number of bytes that a call may hand over.
    #[must_use]
    pub fn with_transfer(mut self, bytes: usize) -> Self {
        self.transfer = bytes;
        self
    }

    /// These limits, with another number of bytes of results at a time.
    #[must_use]
    pub fn with_output(mut self, bytes: usize) -> Self {
        self.output = bytes;
        self
    }

    /// These limits, with another number of elements in an instance's tables.
    #[must_use]
    pub fn with_table_elements(mut self, elements: usize) -> Self {
        self.table_elements = elements;
        self
    }

    /// These limits, with another number of core instances in a component.
    #[must_use]
    pub fn with_core_instances(mut self, instances: usize) -> Self {
        self.core_instances = instances;
        self
    }

    /// These limits, with another number of handles for an instance.
    #[must_use]
    pub fn with_handles(mut self, handles: usize) -> Self {
        self.handles = handles;
        self
    }

    /// These limits, with another number of descriptors for an instance.
    #[must_use]
    pub fn with_descriptors(mut self, descriptors: usize) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// These limits, with another number of entries in a result.
    #[must_use]
    pub fn with_entries(mut self, entries: usize) -> Self {
        self.entries = entries;
        self
    }

    /// These limits, with other numbers of records and bytes that a call may
    /// log.
    #[must_use]
    pub fn with_log(mut self, records: usize, bytes: usize) -> Self {
        self.log_records = records;
        self.log_bytes = bytes;
        self
    }

    /// These limits, with another number of random bytes at once.
    #[must_use]
    pub fn with_random(mut self, bytes: usize) -> Self {
        self.random = bytes;
        self
    }

    /// These limits, with another number of bytes for a plugin's file.
    #[must_use]
    pub fn with_component(mut self, bytes: usize) -> Self {
        self.component = bytes;
        self
    }

    /// These limits, with instructions counted and bounded for each call.
    #[must_use]
    pub fn with_fuel(mut self, fuel: u64) -> Self {
        self.fuel = Some(fuel);
        self
    }

    /// The time limit in ticks of the epoch clock. One more than the division
    /// gives, because the current tick has already begun.
    pub(crate) fn ticks(&self) -> u64 {
        let ticks = self.time.as_nanos().div_ceil(TICK.as_nanos()) + 1;
        // The deadline is added to the current epoch: stay far from overflow.
        u64::try_from(ticks).unwrap_or(u64::MAX).min(u64::MAX / 2)
    }
}

/// A limit that ended a call, with the value it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The call took longer than this.
    Time(Duration),
    /// The instance asked for more than this many bytes of memory.
    Memory(usize),
    /// The call handed over more than this many bytes.
    Transfer(usize),
    /// The results of one record, or of all records that are collected, had more
    /// than this many bytes.
    Output(usize),
    /// The instance's tables wanted more than this many elements.
    TableElements(usize),
    /// The component is made of more than this many core instances.
    CoreInstances(usize),
    /// The instance held this many handles and wanted another.
    Handles(usize),
    /// The instance held this many files, sockets and connections and wanted
    /// another.
    Descriptors(usize),
    /// The result had more than this many entries.
    Entries(usize),
    /// Requests, headers and bodies of HTTP that the instance held wanted more than
    /// this many bytes.
    Http(usize),
    /// The guest asked for more than this many random bytes at once.
    Random(usize),
    /// The plugin's file has more than this many bytes.
    Component(usize),
    /// The call ran more than this many instructions.
    Fuel(u64),
    /// All plugins that share a [`Budget`](crate::Budget) asked for more than
    /// this many bytes of memory together.
    TotalMemory(usize),
    /// Compiling the plugin took more than this many bytes of memory, in a
    /// process of its own ([`CompileCommand`](crate::CompileCommand)).
    CompileMemory(usize),
    /// Compiling the plugin took longer than this, there.
    CompileTime(Duration),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(f, "time of {time:?} for a call"),
            Self::Memory(bytes) => write!(f, "memory of {} for an instance", Bytes(*bytes)),
            Self::Transfer(bytes) => write!(f, "{} handed over in a call", Bytes(*bytes)),
            Self::Output(bytes) => write!(f, "{} of results at a time", Bytes(*bytes)),
            Self::TableElements(count) => write!(f, "{count} elements in an instance's tables"),
            Self::CoreInstances(count) => write!(f, "{count} core instances in a component"),
            Self::Handles(count) => write!(f, "{count} handles of an instance"),
            Self::Descriptors(count) => {
                write!(f, "{count} open files and connections of an instance")
            }
            Self::Entries(count) => write!(f, "{count} entries in a result"),
            Self::Http(bytes) => {
                write!(
                    f,
                    "{} of HTTP requests and headers of an instance",
                    Bytes(*bytes)
                )
            }
            Self::Random(bytes) => write!(f, "{} of random bytes at once", Bytes(*bytes)),
            Self::Component(bytes) => write!(f, "{} of a plugin's file", Bytes(*bytes)),
            Self::Fuel(fuel) => write!(f, "{fuel} instructions for a call"),
            Self::TotalMemory(bytes) => {
                write!(f, "memory of {} for all plugins together", Bytes(*bytes))
            }
            Self::CompileMemory(bytes) => {
                write!(f, "memory of {} to compile a plugin", Bytes(*bytes))
            }
            Self::CompileTime(time) => write!(f, "time of {time:?} to compile a plugin"),
        }
    }
}

/// A limit that a host function found to be reached: it ends the call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached(pub(crate) Limit);

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit reached: {}", self.0)
    }
}

impl std::error::Error for Reached {}

/// A number of bytes, written the way a person reads it where that is exact.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
            if self.0 >> shift > 0 && self.0.is_multiple_of(1 << shift) {
                return write!(f, "{} {unit}", self.0 >> shift);
            }
        }
        write!(f, "{} bytes", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_becomes_ticks() {
        for (milliseconds, ticks) in [(0, 1), (1, 2), (10, 2), (11, 3), (10_000, 1001)] {
            let limits = Limits::default().with_time(Duration::from_millis(milliseconds));
            assert_eq!(limits.ticks(), ticks, "{milliseconds} ms");
        }
        assert_eq!(
            Limits::default().with_time(Duration::MAX).ticks(),
            u64::MAX / 2
        );
    }

    #[test]
    fn bytes_read_well() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (1 << 30, "1 GiB"),
            (64 << 20, "64 MiB"),
            ((64 << 20) + 1, "67108865 bytes"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }
}
