//! How a row ended, and how it must end.

use std::fmt;

use kumiki_text::Error;

/// The maximum length of an error message in bytes.
const MAX_MESSAGE: usize = 16 << 10;

/// An outcome that a row can expect: no error, or one of the host's errors that
/// bytes or a guest can cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The plugin returned the correct result.
    Answer,
    /// The plugin's own error.
    Refusal,
    Trap,
    Limit,
    NotAComponent,
    Malformed,
    TooLarge,
    Proposal,
    MissingExport,
    UnknownImport,
    WrongType,
    Compile,
    Instantiate,
    /// The plugin's name or version.
    Name,
    /// The host's reader failed, or the input is not UTF-8.
    Input,
    /// The host's writer failed.
    Output,
    /// The output is not UTF-8.
    InvalidText,
    /// Any other error of the host.
    Other,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Answer => "answer",
            Self::Refusal => "refusal",
            Self::Trap => "trap",
            Self::Limit => "limit",
            Self::NotAComponent => "not a component",
            Self::Malformed => "malformed",
            Self::TooLarge => "too large",
            Self::Proposal => "proposal",
            Self::MissingExport => "missing export",
            Self::UnknownImport => "unknown import",
            Self::WrongType => "wrong type",
            Self::Compile => "not compiled",
            Self::Instantiate => "not instantiated",
            Self::Name => "invalid name",
            Self::Input => "unreadable input",
            Self::Output => "unwritten output",
            Self::InvalidText => "invalid text",
            Self::Other => "another error",
        })
    }
}

/// The outcome of a row, and its message.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) outcome: Outcome,
    pub(crate) message: String,
}

impl Seen {
    pub(crate) fn answer() -> Self {
        Self {
            outcome: Outcome::Answer,
            message: String::new(),
        }
    }

    /// The outcome of a load, or of any call of the host.
    pub(crate) fn of_load<T>(loaded: Result<T, kumiki::Error>) -> Self {
        match loaded {
            Ok(_) => Self::answer(),
            Err(error) => Error::from(error).into(),
        }
    }

    /// The outcome and the reason, without the names of plugin and function.
    pub(super) fn short(&self) -> String {
        match self.message.rsplit_once("`: ") {
            Some((_, reason)) => format!("{}: {reason}", self.outcome),
            None if self.message.is_empty() => self.outcome.to_string(),
            None => format!("{}: {}", self.outcome, self.message),
        }
    }
}

/// The outcome that a row must have, and a text that its message must contain.
pub(crate) struct Expected {
    pub(super) outcome: Outcome,
    pub(super) message: &'static str,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message {
            "" => self.outcome.fmt(f),
            message => write!(f, "{}: {message}", self.outcome),
        }
    }
}

impl Expected {
    /// Fails if the row ended in another way.
    pub(crate) fn judge(&self, seen: &Seen) -> Result<(), String> {
        if seen.message.len() > MAX_MESSAGE {
            return Err(format!("a message of {} bytes", seen.message.len()));
        }
        let Self { outcome, message } = *self;
        if seen.outcome == outcome && seen.message.contains(message) {
            return Ok(());
        }
        let found: String = seen.message.chars().take(500).collect();
        Err(format!(
            "expected {outcome} with `{message}`, found {}: {found}",
            seen.outcome
        ))
    }
}

/// A check that succeeded.
impl From<()> for Seen {
    fn from((): ()) -> Self {
        Self::answer()
    }
}

/// A check that succeeded, with a measurement as text.
impl From<String> for Seen {
    fn from(message: String) -> Self {
        Self {
            message,
            ..Self::answer()
        }
    }
}

impl From<Error> for Seen {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Seen {
    fn from(error: &Error) -> Self {
        let message = match error {
            Error::Host(
                kumiki::Error::Compile { source, .. }
                | kumiki::Error::Link { source, .. }
                | kumiki::Error::Instantiate { source, .. },
            ) => format!("{error}: {source:#}"),
            _ => error.to_string(),
        };
        let outcome = match error {
            Error::Plugin { .. } => Outcome::Refusal,
            Error::Name { .. } => Outcome::Name,
            Error::Metadata { .. } => Outcome::Limit,
            Error::Input { .. } => Outcome::Input,
            Error::Output { .. } => Outcome::Output,
            Error::Stream { .. } => Outcome::InvalidText,
            Error::Host(error) => of_host(error),
            _ => Outcome::Other,
        };
        Self { outcome, message }
    }
}

fn of_host(error: &kumiki::Error) -> Outcome {
    use kumiki::Error as E;
    match error {
        E::Trap { .. } => Outcome::Trap,
        E::Limit { .. } => Outcome::Limit,
        E::NotAComponent { .. } => Outcome::NotAComponent,
        E::Malformed { .. } => Outcome::Malformed,
        E::TooLarge { .. } => Outcome::TooLarge,
        E::Proposal { .. } => Outcome::Proposal,
        E::MissingExport { .. } => Outcome::MissingExport,
        E::UnknownImport { .. } => Outcome::UnknownImport,
        E::WrongType(_) => Outcome::WrongType,
        E::Compile { .. } => Outcome::Compile,
        E::Instantiate { .. } => Outcome::Instantiate,
        _ => Outcome::Other,
    }
}
