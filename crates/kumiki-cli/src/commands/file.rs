//! Reads any file, up to the maximum size of a plugin: the file may be an endless
//! device.

use std::path::Path;

use kumiki_text::TextHost;

use crate::failure::Failure;

/// Reads a file; `what` describes it in error messages.
pub(crate) fn read(host: &TextHost, what: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    host.read(path).map_err(|error| match error {
        kumiki::Error::Read { source, .. } => {
            let hint = "check the path, relative to the current folder";
            Failure::path(what, path, &source, hint)
        }
        other => other.into(),
    })
}
