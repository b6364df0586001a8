//! The reason why a folder cannot be used.

/// The reason why a folder cannot be used as the cache, and how to fix it.
#[derive(Debug)]
pub(super) struct FolderError {
    pub(super) message: String,
    pub(super) hint: &'static str,
}

impl FolderError {
    pub(super) fn new(message: impl Into<String>, hint: &'static str) -> Self {
        Self {
            message: message.into(),
            hint,
        }
    }
}
