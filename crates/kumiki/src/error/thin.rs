//! Errors of thin components.

use std::fmt;

/// Why a whole component cannot be made of a thin one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThinError {
    /// The runtime with this BLAKE3 hash, as hexadecimal digits, is not known here.
    MissingRuntime(String),
    /// The thin component was changed or is incomplete; the text says where.
    Damaged(&'static str),
    /// The whole component would have more bytes than this.
    TooLarge(usize),
}

impl fmt::Display for ThinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingRuntime(hash) => write!(f, "its runtime {hash} is not on this machine"),
            Self::Damaged(what) => write!(f, "the thin component is damaged: {what}"),
            Self::TooLarge(most) => write!(f, "the whole component has more than {most} bytes"),
        }
    }
}

impl std::error::Error for ThinError {}
