//! Error types of this crate.

use std::io;
use std::time::Duration;

use crate::contract::{ErrorName, ProcessError};
use crate::plugin::identity::NAME_BYTES;

/// The result of a function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A plugin returned no result for a record, or could not be used at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The plugin returned an error of the contract. Its instance remains usable.
    #[error("`{plugin}` returned an error: {}", ErrorName(*error))]
    Plugin {
        /// The plugin's name.
        plugin: String,
        /// The returned error.
        error: ProcessError,
    },
    /// The plugin was not called: after several failures in a row its circuit is open
    /// for a while.
    #[error(
        "`{plugin}` was not called: it failed {failures} times in a row; next attempt in {left:.1?}"
    )]
    CircuitOpen {
        /// The plugin's name.
        plugin: String,
        /// The number of failures in a row.
        failures: u32,
        /// How much longer the circuit is open.
        left: Duration,
    },
    /// The result has too many metadata entries.
    #[error("`{plugin}` returned more than {max_entries} metadata entries")]
    Metadata {
        /// The plugin's name.
        plugin: String,
        /// The maximum, as set with [`TextPlugin::with_max_metadata`].
        ///
        /// [`TextPlugin::with_max_metadata`]: crate::TextPlugin::with_max_metadata
        max_entries: usize,
    },
    /// The plugin's name or version is not fit for messages and results. The plugin
    /// is rejected before its first record.
    #[error("`{plugin}` has an invalid {what}: {fault}")]
    Name {
        /// The plugin's file.
        plugin: String,
        /// `name` or `version`.
        what: &'static str,
        /// The reason, without the text itself.
        fault: String,
    },
    /// The plugin does not export the interface `streaming`.
    #[error("`{plugin}` cannot process whole texts: it does not export `streaming`")]
    NoStreaming {
        /// The plugin's name.
        plugin: String,
    },
    /// The input of [`TextPlugin::transform`](crate::TextPlugin::transform) could not be
    /// read.
    #[error("cannot read the input of `{plugin}`")]
    Input {
        /// The plugin's name.
        plugin: String,
        /// The reader's error, or where the input is not UTF-8.
        source: io::Error,
    },
    /// The output of [`TextPlugin::transform`](crate::TextPlugin::transform) could not be
    /// written.
    #[error("cannot write the output of `{plugin}`")]
    Output {
        /// The plugin's name.
        plugin: String,
        /// The writer's error.
        source: io::Error,
    },
    /// The plugin broke the rules of the interface `streaming`.
    #[error("`{plugin}` broke the contract of `transform`: {message}")]
    Stream {
        /// The plugin's name.
        plugin: String,
        /// What it did.
        message: String,
    },
    /// The plugin returned no answer: it trapped, exceeded a limit, or could not be
    /// loaded.
    #[error(transparent)]
    Host(#[from] kumiki::Error),
}

impl Error {
    /// Returns the approximate memory of this error, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts = match self {
            Self::Plugin { plugin, .. }
            | Self::CircuitOpen { plugin, .. }
            | Self::NoStreaming { plugin }
            | Self::Input { plugin, .. }
            | Self::Output { plugin, .. }
            | Self::Metadata { plugin, .. } => plugin.len(),
            Self::Stream { plugin, message } => plugin.len() + message.len(),
            Self::Name { plugin, fault, .. } => plugin.len() + fault.len(),
            Self::Host(kumiki::Error::Trap {
                plugin,
                function,
                message,
                backtrace,
                ..
            }) => plugin.len() + function.len() + message.len() + backtrace.len(),
            Self::Host(kumiki::Error::Limit {
                plugin, function, ..
            }) => plugin.len() + function.len(),
            Self::Host(_) => 1024,
        };
        size_of::<Self>() + texts
    }

    /// Returns a machine-readable kind: `invalid-input`, `unsupported-format` and
    /// `internal-error` are returned by the plugin; `trap`, `limit`, `circuit-open`,
    /// `name` and `host` come from the host.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Plugin {
                error: ProcessError::InvalidInput,
                ..
            } => "invalid-input",
            Self::Plugin {
                error: ProcessError::UnsupportedFormat,
                ..
            } => "unsupported-format",
            Self::Plugin {
                error: ProcessError::InternalError,
                ..
            } => "internal-error",
            Self::CircuitOpen { .. } => "circuit-open",
            Self::Name { .. } => "name",
            Self::Host(kumiki::Error::Trap { .. }) => "trap",
            Self::Metadata { .. } | Self::Host(kumiki::Error::Limit { .. }) => "limit",
            Self::Stream { .. } => "trap",
            Self::Input { .. } | Self::Output { .. } => "io",
            Self::NoStreaming { .. } | Self::Host(_) => "host",
        }
    }

    /// Returns how to fix it, as one line without the word `hint:`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name { what, .. } => Some(format!(
                "return at most {} bytes from `get-{what}`, without control, bidirectional or \
                 invisible characters",
                NAME_BYTES
            )),
            Self::Host(error) => error.hint(),
            Self::Metadata { .. } => Some(
                "raise `TextPlugin::with_max_metadata` if the plugin needs to return more"
                    .to_owned(),
            ),
            Self::NoStreaming { .. } => Some(
                "export the interface `streaming` (`kumiki new --stream`), or process single \
                 records"
                    .to_owned(),
            ),
            Self::Stream { .. } => {
                Some("see the comments of `streaming` in the contract's WIT".to_owned())
            }
            Self::Plugin { .. }
            | Self::CircuitOpen { .. }
            | Self::Input { .. }
            | Self::Output { .. } => None,
        }
    }
}
