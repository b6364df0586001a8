//! The error of an invalid or impossible grant.

/// A grant that does not parse, or whose folder or variable cannot be used.
/// [`Error::hint`](crate::Error::hint) says how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot grant `{grant}`: {reason}")]
#[non_exhaustive]
pub struct GrantError {
    /// The grant as text.
    pub grant: String,
    /// What is wrong with it.
    pub reason: String,
    /// How to fix it.
    pub hint: &'static str,
    /// If the reason is a symbolic link: the grant of the folder that it leads to, such as
    /// `HOST::GUEST:rw`, which [`FolderGrant`](crate::FolderGrant) parses.
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
