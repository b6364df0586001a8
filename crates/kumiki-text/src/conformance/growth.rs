//! Detects memory leaks by measuring how an instance's memory grows over many
//! calls.

use std::fmt;
use std::time::{Duration, Instant};

use kumiki::{Limit, Plugin};

use crate::{CallMode, Config, Error, Result, TextContract, TextPlugin, Texts};

/// A text with characters of several scripts and encoded lengths.
pub(crate) const SAMPLE: &str = "Hello, plugin! 組木 😀 ß İ e\u{301}";

/// Measured calls per round.
const CALLS: usize = 100_000;
/// Calls before the first round: caches and pools may fill up first, and a garbage
/// collector may wait for 4 MiB of garbage, as Go's does.
const WARM_UP_CALLS: usize = 100_000;
/// Rounds in which memory must grow to count as a leak: garbage-collected memory
/// may need one more page once, and then no more.
const ROUNDS: usize = 3;
/// Records per call of a mode that takes batches.
const RECORDS: usize = 256;
/// Maximum duration of a round. With fewer calls the result is less precise.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Memory growth of an instance over many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Growth {
    /// The mode the plugin was called.
    pub mode: CallMode,
    /// The growth in bytes.
    pub bytes: usize,
    /// The number of calls, or of records if a call has many. Half of them have a
    /// text and half an empty input, because rejected records must not leak either.
    pub calls: usize,
    /// The final memory in bytes.
    pub memory: usize,
}

impl Growth {
    /// Calls a new instance 100,000 times with one record per call, after a warm-up
    /// of as many calls. If its memory grew, repeats the measurement, because a leak
    /// grows every time. Each round takes half a minute at most. The limits of the
    /// plugin's host apply: a plugin that reaches its memory limit is measured up to
    /// that point.
    ///
    /// # Errors
    /// [`Error::Host`] if the plugin traps or exceeds another limit.
    pub fn measure(plugin: &Plugin<TextContract>) -> Result<Self> {
        Self::measure_by(plugin, CallMode::Single)
    }

    /// Like [`Growth::measure`], with as many records by this `mode`, or by the
    /// plugin's fastest mode if it does not offer `mode`. [`Growth::mode`] is the mode
    /// that was used.
    ///
    /// # Errors
    /// As for [`Growth::measure`].
    pub fn measure_by(plugin: &Plugin<TextContract>, mode: CallMode) -> Result<Self> {
        // A cache does not fill half of the limit; and once the limit is reached, no
        // further growth could be observed.
        let runaway = plugin.host().limits().memory / 2;
        let mut plugin = TextPlugin::new(plugin.clone(), Config::default())?;
        plugin.set_mode(mode);
        let mut growth = Self::new(&plugin);
        let has_room = growth.call(&mut plugin, WARM_UP_CALLS, runaway)?;
        if !has_room || growth.bytes > runaway {
            return Ok(growth);
        }
        for _ in 0..ROUNDS {
            growth = Self::new(&plugin);
            let has_room = growth.call(&mut plugin, CALLS, runaway)?;
            if !growth.is_leak() || !has_room {
                break;
            }
        }
        Ok(growth)
    }

    fn new(plugin: &TextPlugin) -> Self {
        Self {
            mode: plugin.mode(),
            bytes: 0,
            calls: 0,
            memory: plugin.memory(),
        }
    }

    /// Processes `calls` records, or fewer if the time is up or memory has grown by
    /// more than `most` bytes. Returns false if the memory limit was reached.
    fn call(&mut self, plugin: &mut TextPlugin, calls: usize, most: usize) -> Result<bool> {
        let records = match self.mode {
            CallMode::Single => 2,
            _ => RECORDS,
        };
        let inputs: Texts = [SAMPLE, ""].into_iter().cycle().take(records).collect();
        let start = Instant::now();
        while self.calls < calls && self.bytes <= most && start.elapsed() < MAX_TIME {
            for error in plugin.process_all(&inputs).into_failures() {
                match error {
                    Error::Plugin { .. } => {}
                    Error::Host(kumiki::Error::Limit {
                        limit: Limit::Memory(_),
                        ..
                    }) if self.bytes > 0 => return Ok(false),
                    error => return Err(error),
                }
            }
            self.calls += records;
            let memory = plugin.memory();
            self.bytes += memory.saturating_sub(self.memory);
            self.memory = memory;
        }
        Ok(true)
    }

    /// Returns whether memory grew at all: after the warm-up, it should not.
    #[must_use]
    pub fn is_leak(&self) -> bool {
        self.bytes > 0
    }

    /// Returns the growth per call in bytes, rounded up.
    #[must_use]
    pub fn bytes_per_call(&self) -> usize {
        self.bytes.div_ceil(self.calls.max(1))
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            mode,
            bytes,
            calls,
            memory,
        } = self;
        let (many, one) = match *mode {
            CallMode::Single => ("calls".to_owned(), "call"),
            mode => (format!("records by {}", mode.name()), "record"),
        };
        if self.is_leak() {
            let each = self.bytes_per_call();
            write!(
                f,
                "its memory grew by {bytes} bytes in {calls} {many}, {each} bytes per {one}"
            )
        } else {
            write!(f, "{} KiB after {calls} {many}", memory / 1024)
        }
    }
}
