//! How a trial of a hostile plugin ended.

use std::fmt;

use kumiki_text::Error;

/// The outcomes that a row can expect: each of the host's errors that bytes or
/// a guest can cause, and no error at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The host stood it and the plugin answered as it must.
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
    /// What the plugin calls itself.
    Name,
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
            Self::NotAComponent => "no component",
            Self::Malformed => "malformed",
            Self::TooLarge => "too large",
            Self::Proposal => "proposal",
            Self::MissingExport => "missing export",
            Self::UnknownImport => "unknown import",
            Self::WrongType => "wrong type",
            Self::Compile => "not compiled",
            Self::Instantiate => "not instantiated",
            Self::Name => "no name",
            Self::Other => "another error",
        })
    }
}

/// An outcome, and what was said about it.
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
}

impl From<Error> for Seen {
    fn from(error: Error) -> Self {
        let message = match &error {
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
            Error::Host(error) => of_host(&error),
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
