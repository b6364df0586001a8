//! Why a plugin gave no result.

use std::time::Duration;

use crate::contract::{ErrorName, ProcessError};
use crate::identity::NAME_BYTES;

/// The result of a function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a plugin gave no result for a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The plugin answered with an error of the contract. It is alive and well.
    #[error("`{plugin}` refused it: {}", ErrorName(*error))]
    Plugin {
        /// The plugin's name.
        plugin: String,
        /// Its answer.
        error: ProcessError,
    },
    /// The plugin was not asked: it has failed so often in a row that it is set
    /// aside for a while.
    #[error(
        "`{plugin}` is set aside: it failed {failures} times in a row, and is tried again in \
         {left:.1?}"
    )]
    SetAside {
        /// The plugin's name.
        plugin: String,
        /// How often it failed in a row.
        failures: u32,
        /// How much longer it is set aside.
        left: Duration,
    },
    /// What the plugin returns as its name or version cannot stand in messages and
    /// results. It is refused before its first record.
    #[error("`{plugin}` has no valid {what}: {fault}")]
    Name {
        /// The plugin's file.
        plugin: String,
        /// `name` or `version`.
        what: &'static str,
        /// What is wrong with it, without the text itself.
        fault: String,
    },
    /// The plugin gave no answer: it trapped, ran into a limit, or could not
    /// be loaded.
    #[error(transparent)]
    Host(#[from] kumiki::Error),
}

impl Error {
    /// How many bytes of memory it takes, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts = match self {
            Self::Plugin { plugin, .. } | Self::SetAside { plugin, .. } => plugin.len(),
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

    /// One word for machines: `invalid-input`, `unsupported-format` and
    /// `internal-error` are the plugin's own; `trap`, `limit`, `set-aside`, `name`
    /// and `host` are not.
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
            Self::SetAside { .. } => "set-aside",
            Self::Name { .. } => "name",
            Self::Host(kumiki::Error::Trap { .. }) => "trap",
            Self::Host(kumiki::Error::Limit { .. }) => "limit",
            Self::Host(_) => "host",
        }
    }

    /// What a person can do about it, as one line without the word `hint:`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name { what, .. } => Some(format!(
                "return at most {} bytes from `get-{what}`, without control characters, marks of \
                 direction and invisible characters",
                NAME_BYTES
            )),
            Self::Host(error) => error.hint(),
            Self::Plugin { .. } | Self::SetAside { .. } => None,
        }
    }
}
