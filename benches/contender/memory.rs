//! Reads the memory of this process from Linux's `/proc`.

use std::fs;

/// Memory in bytes and number of mappings of the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    bytes: f64,
    mappings: f64,
}

impl Held {
    pub(crate) fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        Self {
            bytes: kibibytes.unwrap_or(0.0) * 1024.0,
            mappings: maps.lines().count() as f64,
        }
    }

    /// Returns the growth since then, divided by `count`.
    pub(crate) fn since(self, count: usize) -> Vec<(&'static str, f64)> {
        let now = Self::now();
        let each = |before: f64, after: f64| (after - before) / count.max(1) as f64;
        vec![
            ("bytes", each(self.bytes, now.bytes)),
            ("mappings", each(self.mappings, now.mappings)),
        ]
    }
}
