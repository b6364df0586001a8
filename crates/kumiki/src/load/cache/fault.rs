//! Why a folder is not used.

/// Why a folder is not used, and what to do about it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) hint: &'static str,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>, hint: &'static str) -> Self {
        Self {
            message: message.into(),
            hint,
        }
    }
}
