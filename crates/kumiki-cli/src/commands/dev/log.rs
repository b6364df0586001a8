//! The log of the plugin in each round, up to a number of messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kumiki::{Event, Level, LogRecord, Observer};

use crate::console::Console;

/// The messages that are shown in one round.
const SHOWN: usize = 50;

/// Shows the beginning of each round's log.
#[derive(Clone)]
pub(super) struct RoundLog {
    console: Console,
    level: Level,
    messages: Arc<AtomicUsize>,
}

impl RoundLog {
    /// A log of the messages of at least this level.
    pub(super) fn new(console: &Console, level: Level) -> Self {
        Self {
            console: console.clone(),
            level,
            messages: Arc::default(),
        }
    }

    pub(super) fn start_round(&self) {
        self.messages.store(0, Ordering::Relaxed);
    }
}

impl Observer for RoundLog {
    fn log(&self, record: &LogRecord<'_>) {
        if record.level < self.level {
            return;
        }
        match self.messages.fetch_add(1, Ordering::Relaxed) {
            shown if shown < SHOWN => self.console.log(record),
            SHOWN => self.console.notice("more log messages are not shown"),
            _ => {}
        }
    }

    fn event(&self, event: &Event<'_>) {
        self.console.event(event);
    }
}
