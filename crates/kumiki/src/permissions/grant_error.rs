//! A grant that is none, or that cannot be given.

/// A grant that does not parse, or of something that is not there: which one,
/// why, and through [`Error::hint`](crate::Error::hint) how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot grant `{grant}`: {reason}")]
#[non_exhaustive]
pub struct GrantError {
    /// The grant, as it was written.
    pub grant: String,
    /// Why not.
    pub reason: String,
    /// What a person can do about it.
    pub hint: &'static str,
    /// The grant that would give what a symbolic link leads to, where that is
    /// why: `HOST::GUEST:rw`, as [`FolderGrant`](crate::FolderGrant) reads it.
    pub instead: Option<String>,
}

impl GrantError {
    pub(crate) fn new(grant: impl ToString, reason: impl Into<String>, hint: &'static str) -> Self {
        Self {
            grant: grant.to_string(),
            reason: reason.into(),
            hint,
            instead: None,
        }
    }
}
