//! The errors of calls, and what they count for.

use kumiki::{Event, Limit};

use super::TextPlugin;
use crate::Error;
use crate::contract::ProcessError;

impl TextPlugin {
    /// Wraps an error that the plugin returned.
    pub(crate) fn plugin_error(&self, error: ProcessError) -> Error {
        Error::Plugin {
            plugin: self.name.to_string(),
            error,
        }
    }

    /// Records the failure of an answer with too many metadata entries.
    #[cold]
    pub(crate) fn too_much_metadata(&mut self) -> Error {
        self.count_failure();
        Error::Metadata {
            plugin: self.name.to_string(),
            max_entries: self.max_metadata,
        }
    }

    /// Handles the error of a call. If the call transferred more than its allowance,
    /// but not more than the limits, it does not count as a failure when the record is
    /// retried.
    #[cold]
    pub(crate) fn call_failed(&mut self, error: kumiki::Error) -> Error {
        match error {
            kumiki::Error::Limit {
                limit: Limit::Transfer(_),
                ..
            } if self.allowed.call < self.limits().transfer => {
                if self.allowed.last {
                    self.count_failure();
                }
                self.no_room()
            }
            error => self.failed(error),
        }
    }

    /// Returns the error of a record for whose result there is no room.
    pub(crate) fn no_room(&self) -> Error {
        Error::Host(kumiki::Error::Limit {
            plugin: self.name.to_string(),
            function: self.single.function().to_owned(),
            limit: Limit::Output(self.limits().output),
        })
    }

    /// Whether this error means that the record is retried with a larger allowance.
    pub(crate) fn is_deferred(&self, error: &Error) -> bool {
        let is_output = matches!(
            error,
            Error::Host(kumiki::Error::Limit {
                limit: Limit::Output(_),
                ..
            })
        );
        is_output && !self.allowed.last
    }

    /// Counts a failure, and reports it if the circuit opens.
    pub(crate) fn count_failure(&mut self) {
        if let Some(opened) = self.breaker_state.failed(&self.circuit_breaker) {
            self.plugin.host().observer().event(&Event::Contract {
                plugin: &self.name,
                event: &opened,
            });
        }
    }

    /// Records a failure of the plugin.
    #[cold]
    pub(crate) fn failed(&mut self, error: kumiki::Error) -> Error {
        self.count_failure();
        error.into()
    }
}
