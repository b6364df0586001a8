//! The memory of a process, if the system reports it.

use std::fmt::Display;

/// The memory of this process at one moment, to compare with a later peak.
pub(crate) struct Peak {
    before: Option<usize>,
}

impl Peak {
    /// Resets the peak.
    pub(crate) fn start() -> Self {
        // If Linux refuses this, the peak is that of the whole run, which can only be
        // greater.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self {
            before: resident("self"),
        }
    }

    /// The number of bytes by which the peak since then exceeds the memory before.
    pub(crate) fn growth(&self) -> Option<usize> {
        Some(peak("self")?.saturating_sub(self.before?))
    }
}

/// The resident memory of a process, in bytes.
pub(crate) fn resident(process: impl Display) -> Option<usize> {
    status(process, "VmRSS:")
}

/// The peak resident memory of a process so far, in bytes.
pub(crate) fn peak(process: impl Display) -> Option<usize> {
    status(process, "VmHWM:")
}

fn status(process: impl Display, key: &str) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    let kibibytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}
