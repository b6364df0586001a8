//! What a run reports while it works.

use crate::diagnostic::Diagnostic;

/// Receives the events of a run.
///
/// All events come from the thread that called [`Run::execute`], in the order
/// of the input. A slow observer slows the run down.
///
/// [`Run::execute`]: crate::Run::execute
pub trait RunObserver {
    /// Handles one event.
    fn event(&self, event: &RunEvent<'_>);
}

/// Something that happened in a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunEvent<'a> {
    /// The run continues an earlier one.
    Resumed {
        /// Number of records that the earlier run has processed.
        records: u64,
    },
    /// The output is open and reading begins.
    Started {
        /// Size of all inputs in bytes as they are stored; `None` where an input
        /// is not a file.
        total_bytes: Option<u64>,
    },
    /// A result is missing. The results before it are written and flushed.
    Diagnostic(&'a Diagnostic),
    /// A batch or a part of one is written.
    Progress {
        /// Bytes of all inputs, as they are stored, that were read up to here.
        bytes: u64,
        /// Number of records that are done.
        records: u64,
    },
}

/// Ignores all events.
#[derive(Clone, Copy, Debug, Default)]
pub struct IgnoreEvents;

impl RunObserver for IgnoreEvents {
    fn event(&self, _event: &RunEvent<'_>) {}
}
