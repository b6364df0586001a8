//! Whether a plugin's memory grows from call to call: a leak, which a single
//! call never shows.

use std::fmt;
use std::time::{Duration, Instant};

use kumiki::{Limit, Plugin};

use crate::{Config, Error, Result, TextContract, TextPlugin};

/// A text with something of everything.
pub(crate) const SAMPLE: &str = "Hello, plugin! 組木 😀 ß İ e\u{301}";

/// How often the plugin is called.
const CALLS: usize = 100_000;
/// How often it is before that: caches and pools may fill up first, and a
/// collector of garbage may wait for 4 MiB of it, as Go's does.
const WARM_UP_CALLS: usize = 100_000;
/// The longest that either goes on; fewer calls say the same, coarser.
const TIME: Duration = Duration::from_secs(30);

/// How the memory of an instance grew in many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Growth {
    /// By how many bytes it grew.
    pub bytes: usize,
    /// In how many calls: half of them with a text, half with none, because
    /// what is refused must not leak either.
    pub calls: usize,
    /// What it came to, in bytes.
    pub memory: usize,
}

impl Growth {
    /// Calls an instance of its own 100,000 times, after as many calls that do
    /// not count; each half a minute at the most. The limits of the plugin's host
    /// are armed: a plugin that comes to its limit of memory is measured up to
    /// there.
    ///
    /// # Errors
    /// [`Error::Host`] when the plugin traps or comes to another limit.
    pub fn measure(plugin: &Plugin<TextContract>) -> Result<Self> {
        // What has filled half of its limit did not fill a cache; and if it has
        // filled all of it, it could not be seen to grow any more.
        let runaway = plugin.host().limits().memory / 2;
        let mut plugin = TextPlugin::new(plugin.clone(), Config::default())?;
        let mut growth = Self::new(&plugin);
        let has_room = growth.call(&mut plugin, WARM_UP_CALLS, runaway)?;
        if !has_room || growth.bytes > runaway {
            return Ok(growth);
        }
        let mut growth = Self::new(&plugin);
        growth.call(&mut plugin, CALLS, runaway)?;
        Ok(growth)
    }

    fn new(plugin: &TextPlugin) -> Self {
        Self {
            bytes: 0,
            calls: 0,
            memory: plugin.memory(),
        }
    }

    /// Calls so often, or until the time is up or it has grown by more bytes
    /// than `most`; false when there is no more memory to grow into.
    fn call(&mut self, plugin: &mut TextPlugin, calls: usize, most: usize) -> Result<bool> {
        let start = Instant::now();
        while self.calls < calls && self.bytes <= most && start.elapsed() < TIME {
            for input in [SAMPLE, ""] {
                match plugin.process(input) {
                    Ok(_) | Err(Error::Plugin { .. }) => {}
                    Err(Error::Host(kumiki::Error::Limit {
                        limit: Limit::Memory(_),
                        ..
                    })) if self.bytes > 0 => return Ok(false),
                    Err(error) => return Err(error),
                }
                self.calls += 1;
                let memory = plugin.memory();
                self.bytes += memory.saturating_sub(self.memory);
                self.memory = memory;
            }
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
            bytes,
            calls,
            memory,
        } = self;
        if self.is_leak() {
            let each = self.bytes_per_call();
            write!(
                f,
                "its memory grew by {bytes} bytes in {calls} calls, {each} bytes a call"
            )
        } else {
            write!(f, "{} KiB after {calls} calls", memory / 1024)
        }
    }
}
