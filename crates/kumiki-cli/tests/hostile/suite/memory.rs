//! How much memory this process came to hold, where the system says so.

/// The memory held at some moment, to compare a later peak with.
pub(crate) struct Peak {
    before: Option<usize>,
}

impl Peak {
    /// Forgets the peak until now.
    pub(crate) fn start() -> Self {
        // Linux's way to set the peak back; where it is refused the peak is
        // that of the whole run, which is only ever greater.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self {
            before: status("VmRSS:"),
        }
    }

    /// By how many bytes the peak since then lies above what was held; none
    /// where the system does not say.
    pub(crate) fn growth(&self) -> Option<usize> {
        Some(status("VmHWM:")?.saturating_sub(self.before?))
    }
}

pub(crate) fn status(key: &str) -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
