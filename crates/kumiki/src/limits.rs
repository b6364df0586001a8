//! Resource limits for plugins. Each limit applies to one call or to one instance, as
//! its documentation says.

use std::fmt;
use std::time::Duration;

use crate::clock::TICK;

/// Resource limits for each call into a plugin and for each of its instances. The
/// defaults apply to every [`Host`](crate::Host).
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
    /// Maximum duration of a call, with a resolution of [`TICK`](crate::TICK), whether
    /// the guest computes, sleeps or waits for a stream. The contract's own host
    /// functions and the file system are not interrupted. Default: 10 s.
    pub time: Duration,
    /// Maximum linear memory of one instance in bytes, over all its memories.
    /// Default: 1 GiB, a quarter of what 32-bit WebAssembly can address: a guest needs
    /// several times the size of its largest record.
    pub memory: usize,
    /// Maximum bytes that one call may pass to the host: its result, and the arguments
    /// of each host function. Default: 256 MiB.
    pub transfer: usize,
    /// Maximum bytes of results held in memory at a time, if the contract's host
    /// collects them. A record whose results alone need more fails. Default: 160 MiB, so
    /// that a plugin can return the longest line that `kumiki run` reads by default
    /// (128 MiB), with the fields written beside it.
    pub output: usize,
    /// Maximum elements in the tables of one instance, all together; each is a pointer
    /// on the host. Default: 1,000,000.
    pub table_elements: usize,
    /// Maximum core instances in one component; the same maximum applies to its
    /// memories and to its tables. Default: 1,000.
    pub core_instances: usize,
    /// Maximum handles that one instance may hold at a time: streams, open files,
    /// timers. Default: 10,000.
    pub handles: usize,
    /// Maximum system descriptors that one instance may hold at a time: open files,
    /// folders, sockets, HTTP connections. Default: 256.
    ///
    /// All instances together may hold the descriptors of the process, except for a
    /// reserve: see [`raise_descriptor_limit`](crate::raise_descriptor_limit).
    pub descriptors: usize,
    /// Maximum records that a call may log, including what it writes to standard output
    /// and error. Further records are dropped, with one notice, except for one record of
    /// level error, cut after 4 KiB: the message of a panic. Default: 1,000.
    pub log_records: usize,
    /// Maximum total bytes of these records. Default: 1 MiB.
    pub log_bytes: usize,
    /// Maximum random bytes that a guest may request at once. Default: 1 MiB.
    pub random: usize,
    /// Maximum size of a plugin's file in bytes. Default: 256 MiB.
    pub component: usize,
    /// Maximum instructions of a call, counted exactly. Default: no limit,
    /// because counting slows execution ([`EngineConfig::fuel`]).
    ///
    /// [`EngineConfig::fuel`]: crate::EngineConfig::fuel
    pub fuel: Option<u64>,
    /// Maximum duration of a call that may take longer than [`Limits::time`] because it
    /// makes progress ([`Instance::call_concurrent`]), except with a
    /// [`CallTimer`](crate::CallTimer). A reader or writer that blocks is not interrupted.
    /// Default: no limit.
    ///
    /// [`Instance::call_concurrent`]: crate::Instance::call_concurrent
    pub total_time: Option<Duration>,
    /// Maximum bytes of the output of one stream, if the contract's host counts them.
    /// Default: no limit.
    pub stream_output: Option<u64>,
    /// Maximum bytes of the output of one stream for each byte of its input, beyond the
    /// first 64 KiB, if the contract's host counts them. Default: no limit.
    pub stream_growth: Option<u64>,
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
            log_records: 1_000,
            log_bytes: 1 << 20,
            random: 1 << 20,
            component: 256 << 20,
            fuel: None,
            total_time: None,
            stream_output: None,
            stream_growth: None,
        }
    }
}

impl Limits {
    /// Sets [`Limits::time`].
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Sets [`Limits::memory`], in bytes.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets [`Limits::transfer`], in bytes.
    #[must_use]
    pub fn with_transfer(mut self, bytes: usize) -> Self {
        self.transfer = bytes;
        self
    }

    /// Sets [`Limits::output`], in bytes.
    #[must_use]
    pub fn with_output(mut self, bytes: usize) -> Self {
        self.output = bytes;
        self
    }

    /// Sets [`Limits::table_elements`].
    #[must_use]
    pub fn with_table_elements(mut self, elements: usize) -> Self {
        self.table_elements = elements;
        self
    }

    /// Sets [`Limits::core_instances`].
    #[must_use]
    pub fn with_core_instances(mut self, instances: usize) -> Self {
        self.core_instances = instances;
        self
    }

    /// Sets [`Limits::handles`].
    #[must_use]
    pub fn with_handles(mut self, handles: usize) -> Self {
        self.handles = handles;
        self
    }

    /// Sets [`Limits::descriptors`].
    #[must_use]
    pub fn with_descriptors(mut self, descriptors: usize) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// Sets [`Limits::log_records`] and [`Limits::log_bytes`].
    #[must_use]
    pub fn with_log(mut self, records: usize, bytes: usize) -> Self {
        self.log_records = records;
        self.log_bytes = bytes;
        self
    }

    /// Sets [`Limits::random`], in bytes.
    #[must_use]
    pub fn with_random(mut self, bytes: usize) -> Self {
        self.random = bytes;
        self
    }

    /// Sets [`Limits::component`], in bytes.
    #[must_use]
    pub fn with_component(mut self, bytes: usize) -> Self {
        self.component = bytes;
        self
    }

    /// Sets [`Limits::fuel`]: counts and limits the instructions of each call.
    #[must_use]
    pub fn with_fuel(mut self, fuel: u64) -> Self {
        self.fuel = Some(fuel);
        self
    }

    /// Sets [`Limits::total_time`].
    #[must_use]
    pub fn with_total_time(mut self, time: Duration) -> Self {
        self.total_time = Some(time);
        self
    }

    /// Sets [`Limits::stream_output`], in bytes.
    #[must_use]
    pub fn with_stream_output(mut self, bytes: u64) -> Self {
        self.stream_output = Some(bytes);
        self
    }

    /// Sets [`Limits::stream_growth`], in bytes of output for each byte of input.
    #[must_use]
    pub fn with_stream_growth(mut self, bytes: u64) -> Self {
        self.stream_growth = Some(bytes);
        self
    }

    /// Returns the time limit in ticks of the epoch clock.
    pub(crate) fn ticks(&self) -> u64 {
        ticks(self.time)
    }

    /// Returns the limit of the total time in ticks of the epoch clock.
    pub(crate) fn total_ticks(&self) -> Option<u64> {
        self.total_time.map(ticks)
    }
}

/// Returns a time in ticks of the epoch clock, plus one, because the current tick has
/// already begun.
fn ticks(time: Duration) -> u64 {
    let ticks = time.as_nanos().div_ceil(TICK.as_nanos()) + 1;
    // The deadline is added to the current epoch: stay far from overflow.
    u64::try_from(ticks).unwrap_or(u64::MAX).min(u64::MAX / 2)
}

/// A limit that ended a call, with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The call took longer than this.
    Time(Duration),
    /// The instance requested more than this many bytes of memory.
    Memory(usize),
    /// The call passed more than this many bytes to the host.
    Transfer(usize),
    /// The results of one record, or of all collected records, exceeded this many bytes.
    Output(usize),
    /// The instance's tables requested more than this many elements.
    TableElements(usize),
    /// The component has more than this many core instances.
    CoreInstances(usize),
    /// The instance held this many handles and requested another.
    Handles(usize),
    /// The instance held this many files, sockets and connections and requested
    /// another.
    Descriptors(usize),
    /// The HTTP requests, headers and bodies that the instance held needed more than
    /// this many bytes.
    Http(usize),
    /// The guest requested more than this many random bytes at once.
    Random(usize),
    /// The plugin's file has more than this many bytes.
    Component(usize),
    /// The call ran more than this many instructions.
    Fuel(u64),
    /// The call, which made progress, took longer than this in total.
    TotalTime(Duration),
    /// The output of a stream has more than this many bytes.
    StreamOutput(u64),
    /// The output of a stream has more than this many bytes for each byte of its input.
    StreamGrowth(u64),
    /// The plugins that share a [`Budget`](crate::Budget) requested more than this many
    /// bytes of memory together.
    TotalMemory(usize),
    /// Compiling the plugin in a separate process
    /// ([`CompileCommand`](crate::CompileCommand)) took more than this many bytes of
    /// memory.
    CompileMemory(usize),
    /// Compiling the plugin in a separate process took longer than this.
    CompileTime(Duration),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(f, "time of {time:?} for a call"),
            Self::Memory(bytes) => write!(f, "memory of {} for an instance", Bytes(*bytes)),
            Self::Transfer(bytes) => write!(f, "{} passed to the host in a call", Bytes(*bytes)),
            Self::Output(bytes) => write!(f, "{} of results at a time", Bytes(*bytes)),
            Self::TableElements(count) => write!(f, "{count} elements in an instance's tables"),
            Self::CoreInstances(count) => write!(f, "{count} core instances in a component"),
            Self::Handles(count) => write!(f, "{count} handles for an instance"),
            Self::Descriptors(count) => {
                write!(f, "{count} open files and connections for an instance")
            }
            Self::Http(bytes) => {
                write!(
                    f,
                    "{} of HTTP requests and headers for an instance",
                    Bytes(*bytes)
                )
            }
            Self::Random(bytes) => write!(f, "{} of random bytes at once", Bytes(*bytes)),
            Self::Component(bytes) => write!(f, "{} for a plugin's file", Bytes(*bytes)),
            Self::Fuel(fuel) => write!(f, "{fuel} instructions for a call"),
            Self::TotalTime(time) => write!(f, "total time of {time:?} for a call"),
            Self::StreamOutput(bytes) => {
                let bytes = usize::try_from(*bytes).unwrap_or(usize::MAX);
                write!(f, "{} of output", Bytes(bytes))
            }
            Self::StreamGrowth(bytes) => {
                let unit = if *bytes == 1 { "byte" } else { "bytes" };
                write!(f, "{bytes} {unit} of output for each byte of input")
            }
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

/// The error that a host function returns to end a call that reached a limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached(pub(crate) Limit);

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit reached: {}", self.0)
    }
}

impl std::error::Error for Reached {}

/// Formats a byte count with the largest unit that represents it exactly.
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
    fn time_limit_converts_to_ticks() {
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
    fn bytes_use_the_largest_exact_unit() {
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
