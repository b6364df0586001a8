//! Reads requests from the custom section `kumiki-requests` of a component. Sections of
//! nested modules and components belong to libraries and are ignored.

use wasmparser::{Chunk, Parser, Payload};

use super::{PermissionRequests, PermissionRequestsError};
use crate::{Error, Result, text};

/// The section's name.
const NAME: &str = "kumiki-requests";

/// Maximum bytes of the section: enough for 64 requests of ordinary text.
const MAX_BYTES: usize = 64 * 1024;

impl PermissionRequests {
    /// Reads the requests of the component in `bytes`. The result is empty if there are
    /// none, or if `bytes` are not a component; loading them reports that.
    ///
    /// # Errors
    /// [`Error::PermissionRequests`] for requests that cannot be parsed. Do not run such a
    /// plugin, because its requests are unknown.
    pub fn of(plugin: &str, bytes: &[u8]) -> Result<Self> {
        Self::read(plugin, Self::text(plugin, bytes)?)
    }

    /// Returns the text of the component's requests, or an empty string if it has none.
    pub(crate) fn text<'a>(plugin: &str, bytes: &'a [u8]) -> Result<&'a str> {
        let text = section(bytes).map_err(|error| invalid(plugin, &error))?;
        Ok(text.unwrap_or_default())
    }

    /// Parses the result of [`PermissionRequests::text`].
    pub(crate) fn read(plugin: &str, text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.parse()
            .map_err(|error: PermissionRequestsError| invalid(plugin, &error))
    }
}

fn invalid(plugin: &str, error: &PermissionRequestsError) -> Error {
    Error::PermissionRequests {
        plugin: plugin.into(),
        message: text::message(&error.message),
    }
}

/// Returns the component's requests as text, if it has any. Reads up to the first invalid
/// byte; validation reports that later.
fn section(bytes: &[u8]) -> Result<Option<&str>, PermissionRequestsError> {
    if !Parser::is_component(bytes) {
        return Ok(None);
    }
    let mut found = Vec::new();
    let (mut parser, mut rest) = (Parser::new(0), bytes);
    while let Ok(Chunk::Parsed { consumed, payload }) = parser.parse(rest, true) {
        // Nested modules and components are skipped without parsing.
        let nested = match payload {
            Payload::ModuleSection {
                unchecked_range, ..
            }
            | Payload::ComponentSection {
                unchecked_range, ..
            } => unchecked_range.len(),
            Payload::CustomSection(section) if section.name() == NAME => {
                found.push(section.data());
                0
            }
            Payload::End(_) => break,
            _ => 0,
        };
        let Some(following) = rest.get(consumed + nested..) else {
            break;
        };
        rest = following;
    }
    let data = match *found {
        [] => return Ok(None),
        [one] => one,
        _ => {
            return Err(PermissionRequestsError::new(
                "there is more than one section of requests",
            ));
        }
    };
    if data.len() > MAX_BYTES {
        let size = data.len();
        let message = format!("its requests are {size} bytes long; the maximum is {MAX_BYTES}");
        return Err(PermissionRequestsError::new(message));
    }
    std::str::from_utf8(data)
        .map(Some)
        .map_err(|_| PermissionRequestsError::new("its requests are not UTF-8"))
}
