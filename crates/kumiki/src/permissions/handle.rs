//! An open folder of a grant.

use std::fmt;
use std::fs::File;
use std::sync::Arc;

/// The folder of a grant, once it is open; clones share it. It says where a
/// grant leads and not what is granted: all are equal.
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
