//! How the embedder hears what plugins log and what happens to them.

use std::fmt;
use std::time::Duration;

use crate::{Denial, Error};

/// How much a log record matters. Ordered: `Debug < Info < Warn < Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For whoever writes the plugin.
    Debug,
    /// Ordinary progress.
    Info,
    /// Something is odd; the work goes on.
    Warn,
    /// Something failed.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// One line that a plugin logged. The message is the plugin's own text: it may
/// hold anything, terminal escapes included.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LogRecord<'a> {
    /// The name of the plugin that logged, as given when it was loaded or set
    /// by [`Instance::rename`](crate::Instance::rename).
    pub plugin: &'a str,
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub message: &'a str,
}

/// Something that happened to a plugin.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A plugin was checked, compiled and linked.
    Loaded {
        /// The plugin's name.
        plugin: &'a str,
        /// The size of the component in bytes.
        bytes: usize,
        /// How long it took, nearly all of it compilation, if it was compiled.
        elapsed: Duration,
        /// Whether its machine code was in the cache.
        was_kept: bool,
    },
    /// A plugin was compiled, and its machine code could not be kept in the
    /// cache. It runs as well as any other.
    NotKept {
        /// The plugin's name.
        plugin: &'a str,
        /// Why not: no room on the disk, for one.
        error: &'a std::io::Error,
    },
    /// A trap or a limit ended an instance; it answers no call any more.
    InstanceEnded {
        /// The plugin's name.
        plugin: &'a str,
        /// What ended it.
        reason: &'a Error,
    },
    /// A plugin failed too often in a row, and is left alone for a while.
    SetAside {
        /// The plugin's name.
        plugin: &'a str,
        /// How often it failed in a row.
        failures: u32,
        /// For how long.
        time: Duration,
    },
    /// There is address space for fewer slots than were wanted. More instances
    /// than that live as well, and take longer to make. Told once of an engine.
    FewerSlots {
        /// How many were wanted.
        wanted: u32,
        /// How many there are; 0 for none.
        found: u32,
    },
    /// All slots are taken: instances beyond them take longer to make. Told once
    /// of an engine; [`HostBuilder::slots`](crate::HostBuilder::slots) has more.
    SlotsFull {
        /// How many there are.
        slots: u32,
    },
    /// A guest was denied what it was not granted; it got the error that WASI
    /// has for it.
    Denied {
        /// The plugin's name.
        plugin: &'a str,
        /// What it was denied, and the grant that would have allowed it.
        denial: Denial<'a>,
    },
}

/// Receives log records and events of all plugins of a [`Host`](crate::Host).
///
/// Methods are called on the thread that runs the plugin, in the middle of its
/// call: a slow observer makes slow plugins. Only what a request by `wasi:http`
/// is denied may be told from another thread. Both methods do nothing unless
/// written.
pub trait Observer: Send + Sync + 'static {
    /// A plugin logged something. Called once for each record, in order.
    fn log(&self, record: &LogRecord<'_>) {
        let _ = record;
    }

    /// Something happened to a plugin. Called once for each event.
    fn event(&self, event: &Event<'_>) {
        let _ = event;
    }
}

/// The observer that drops everything; what a host has unless given another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
