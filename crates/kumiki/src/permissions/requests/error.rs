//! The error of invalid requests.

/// Invalid permission requests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct PermissionRequestsError {
    /// What is wrong, and what is accepted.
    pub message: String,
}

impl PermissionRequestsError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}
