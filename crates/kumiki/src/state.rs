//! What the host keeps inside the store of one instance.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::observer::{Level, LogRecord, Observer};
use crate::waiting::Deadline;
use crate::wasi::Wasi;

/// What the host keeps for one instance: the contract's own data, and what
/// every plugin needs. It is the `T` of the instance's `Store<T>`; a contract
/// implements its host functions for `HostState<ItsData>`.
///
/// Made with the instance and dropped with it; no other instance sees it.
pub struct HostState<D> {
    /// The contract's own data for this instance.
    pub data: D,
    pub(crate) plugin: Arc<str>,
    pub(crate) memory: MemoryLimiter,
    pub(crate) wasi: Wasi,
    /// When the call that runs must be over.
    pub(crate) deadline: Deadline,
    observer: Arc<dyn Observer>,
}

impl<D> HostState<D> {
    pub(crate) fn new(
        data: D,
        plugin: Arc<str>,
        memory_limit: usize,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let wasi = Wasi::new(&plugin, &observer);
        let memory = MemoryLimiter {
            limit: memory_limit,
            used: 0,
            refused: false,
        };
        Self {
            data,
            plugin,
            memory,
            wasi,
            deadline: Deadline::default(),
            observer,
        }
    }

    /// The plugin's name, as log records show it.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Hands a log record of this plugin to the host's observer.
    #[inline]
    pub fn log(&self, level: Level, message: &str) {
        self.observer.log(&LogRecord {
            plugin: &self.plugin,
            level,
            message,
        });
    }
}

/// Counts the linear memory of one instance and refuses what is beyond the
/// limit. A refused `memory.grow` gives the guest -1, which nearly all of them
/// answer with a trap: `refused` tells that trap from any other.
pub(crate) struct MemoryLimiter {
    limit: usize,
    used: usize,
    pub(crate) refused: bool,
}

impl MemoryLimiter {
    pub(crate) fn used(&self) -> usize {
        self.used
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_sub(current).saturating_add(desired);
        if used > self.limit {
            self.refused = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // An element of a table is a pointer of the host.
        Ok(desired <= self.limit / size_of::<usize>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_together_stay_below_the_limit() {
        let mut memory = MemoryLimiter {
            limit: 100,
            used: 0,
            refused: false,
        };
        assert!(memory.memory_growing(0, 60, None).unwrap());
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert!(!memory.refused);
        assert!(!memory.memory_growing(40, 41, None).unwrap());
        assert!(memory.refused);
        assert!(!memory.memory_growing(0, usize::MAX, None).unwrap());
    }
}
