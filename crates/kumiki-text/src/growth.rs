//! Whether a plugin's memory grows from call to call: a leak, which a single
//! call never shows.

use std::fmt;
use std::time::{Duration, Instant};

use kumiki::{Limit, Plugin};

use crate::{Config, Error, Result, TextContract, TextPlugin, Texts, Way};

/// A text with something of everything.
pub(crate) const SAMPLE: &str = "Hello, plugin! 組木 😀 ß İ e\u{301}";

/// How often the plugin is called.
const CALLS: usize = 100_000;
/// How often it is before that: caches and pools may fill up first, and a
/// collector of garbage may wait for 4 MiB of it, as Go's does.
const WARM_UP_CALLS: usize = 100_000;
/// How often it must have grown before that is a leak: memory that is collected
/// now and then may come to need one page more, and then no more.
const TURNS: usize = 3;
/// Records in a call of a way that takes many.
const RECORDS: usize = 256;
/// The longest that a turn goes on; fewer calls say the same, coarser.
const TIME: Duration = Duration::from_secs(30);

/// How the memory of an instance grew in many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Growth {
    /// The way in which it was called.
    pub way: Way,
    /// By how many bytes it grew.
    pub bytes: usize,
    /// In how many calls, or records where a call has many: half of them with a
    /// text, half with none, because what is refused must not leak either.
    pub calls: usize,
    /// What it came to, in bytes.
    pub memory: usize,
}

impl Growth {
    /// Calls an instance of its own 100,000 times, one record a call, after as
    /// many calls that do not count; and again where it grew, for a leak always
    /// grows. Half a minute each time at the most. The limits of the plugin's host
    /// are armed: a plugin that comes to its limit of memory is measured up to
    /// there.
    ///
    /// # Errors
    /// [`Error::Host`] when the plugin traps or comes to another limit.
    pub fn measure(plugin: &Plugin<TextContract>) -> Result<Self> {
        Self::measure_by(plugin, Way::SINGLE)
    }

    /// The same with as many records by this `way`, if the plugin offers it, and
    /// by its fastest if not: [`Growth::way`] is the one.
    ///
    /// # Errors
    /// As for [`Growth::measure`].
    pub fn measure_by(plugin: &Plugin<TextContract>, way: Way) -> Result<Self> {
        // What has filled half of its limit did not fill a cache; and if it has
        // filled all of it, it could not be seen to grow any more.
        let runaway = plugin.host().limits().memory / 2;
        let mut plugin = TextPlugin::new(plugin.clone(), Config::default())?;
        plugin.set_way(way);
        let mut growth = Self::new(&plugin);
        let has_room = growth.call(&mut plugin, WARM_UP_CALLS, runaway)?;
        if !has_room || growth.bytes > runaway {
            return Ok(growth);
        }
        for _ in 0..TURNS {
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
            way: plugin.way(),
            bytes: 0,
            calls: 0,
            memory: plugin.memory(),
        }
    }

    /// Calls so often, or until the time is up or it has grown by more bytes
    /// than `most`; false when there is no more memory to grow into.
    fn call(&mut self, plugin: &mut TextPlugin, calls: usize, most: usize) -> Result<bool> {
        let records = match self.way {
            Way::SINGLE => 2,
            _ => RECORDS,
        };
        let inputs: Texts = [SAMPLE, ""].into_iter().cycle().take(records).collect();
        let start = Instant::now();
        while self.calls < calls && self.bytes <= most && start.elapsed() < TIME {
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

    /// Whether it grew at all: after so many calls, nothing has a reason to.
    #[must_use]
    pub fn is_leak(&self) -> bool {
        self.bytes > 0
    }

    /// By how many bytes it grew a call, rounded up.
    #[must_use]
    pub fn bytes_per_call(&self) -> usize {
        self.bytes.div_ceil(self.calls.max(1))
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            way,
            bytes,
            calls,
            memory,
        } = self;
        let (many, one) = match *way {
            Way::SINGLE => ("calls".to_owned(), "call"),
            way => (format!("records by {}", way.name), "record"),
        };
        if self.is_leak() {
            let each = self.bytes_per_call();
            write!(
                f,
                "its memory grew by {bytes} bytes in {calls} {many}, {each} bytes a {one}"
            )
        } else {
            write!(f, "{} KiB after {calls} {many}", memory / 1024)
        }
    }
}
