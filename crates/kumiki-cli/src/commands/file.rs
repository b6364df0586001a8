//! A file to be looked at: any at all, but no larger than a plugin may be, for
//! it may be a device without end.

use std::path::Path;

use kumiki_text::TextHost;

use crate::failure::Failure;

/// Reads it; `what` is how an error calls it.
pub(crate) fn read(host: &TextHost, what: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    host.read(path).map_err(|error| match error {
        kumiki::Error::Read { source, .. } => {
            let hint = "check the path, relative to the current folder";
            Failure::path(what, path, &source, hint)
        }
        other => Failure::failed(other.to_string()),
    })
}
