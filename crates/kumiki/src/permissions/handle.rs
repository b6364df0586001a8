//! The open folder of a grant.

use std::fmt;
use std::fs::File;
use std::sync::Arc;

/// The folder of a grant, if it was opened; clones share it. All handles compare equal, so
/// that grants compare by what they grant.
#[derive(Clone, Default)]
pub(crate) struct Handle(pub(crate) Option<Arc<File>>);

impl PartialEq for Handle {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Handle {}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}
