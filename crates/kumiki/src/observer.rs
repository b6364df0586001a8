//! The [`Observer`] trait, which receives plugins' log records and events.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use crate::{Denial, Error};

/// The level of a log record. Ordered: `Debug < Info < Warn < Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Details for the plugin's author.
    Debug,
    /// Normal progress.
    Info,
    /// Something is unexpected; the work continues.
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

/// One line that a plugin logged. The message is untrusted text from the plugin: it may
/// contain anything, including terminal escapes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LogRecord<'a> {
    /// The name of the plugin that logged, as given when it was loaded or set
    /// by [`Instance::rename`](crate::Instance::rename).
    pub plugin: &'a str,
    /// The level.
    pub level: Level,
    /// The message.
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
        /// How long loading took; compilation, if needed, takes nearly all of it.
        elapsed: Duration,
        /// Whether its artifact came from the compile cache.
        cache_hit: bool,
    },
    /// A plugin was compiled, but its artifact could not be stored in the compile
    /// cache. The plugin runs normally.
    CacheWriteFailed {
        /// The plugin's name.
        plugin: &'a str,
        /// The reason, such as a full disk.
        error: &'a std::io::Error,
    },
    /// A trap or a limit ended an instance; it accepts no more calls.
    InstanceEnded {
        /// The plugin's name.
        plugin: &'a str,
        /// What ended it.
        reason: &'a Error,
    },
    /// An event of the contract's own crate.
    Contract {
        /// The plugin's name.
        plugin: &'a str,
        /// The event. Its `Display` continues a sentence that begins with the plugin's
        /// name.
        event: &'a dyn ContractEvent,
    },
    /// The address space holds fewer pool slots than were requested. Instances beyond
    /// them work too, but take longer to create. Reported once per engine.
    FewerSlots {
        /// The number of slots requested.
        wanted: u32,
        /// The number of slots available; may be 0.
        found: u32,
    },
    /// All pool slots are in use: further instances take longer to create. Reported
    /// once per engine; [`HostBuilder::slots`](crate::HostBuilder::slots) raises the
    /// number.
    SlotsFull {
        /// The number of slots.
        slots: u32,
    },
    /// A guest was denied something that it is not granted; it received the matching
    /// WASI error.
    Denied {
        /// The plugin's name.
        plugin: &'a str,
        /// What was denied, and the grant that would allow it.
        denial: Denial<'a>,
    },
}

/// An event that a contract's own crate defines and reports with [`Event::Contract`].
///
/// ```
/// use std::any::Any;
/// use std::fmt;
///
/// use kumiki::{ContractEvent, Event};
///
/// #[derive(Debug)]
/// struct Retried(u32);
///
/// impl fmt::Display for Retried {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         write!(f, "is retried for the {}. time", self.0)
///     }
/// }
///
/// impl ContractEvent for Retried {}
///
/// fn retries(event: &Event<'_>) -> Option<u32> {
///     let Event::Contract { event, .. } = event else {
///         return None;
///     };
///     let event: &dyn Any = *event;
///     event.downcast_ref::<Retried>().map(|Retried(times)| *times)
/// }
///
/// let event = Event::Contract { plugin: "words", event: &Retried(2) };
/// assert_eq!(retries(&event), Some(2));
/// ```
pub trait ContractEvent: Any + fmt::Debug + fmt::Display {}

/// Receives log records and events from all plugins of a [`Host`](crate::Host).
///
/// Methods run on the thread that runs the plugin, during its call: a slow observer
/// slows plugins down. Only the denial of a `wasi:http` request may be reported from
/// another thread. The default methods do nothing.
pub trait Observer: Send + Sync + 'static {
    /// Receives a log record. Called once for each record, in order.
    fn log(&self, record: &LogRecord<'_>) {
        let _ = record;
    }

    /// Receives an event. Called once for each event.
    fn event(&self, event: &Event<'_>) {
        let _ = event;
    }
}

/// An observer that discards everything; the default of a host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
