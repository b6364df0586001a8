//! Where requests stand in a component: in the one custom section of its
//! outermost layer that has their name. What stands in a module within it is
//! a library's, and speaks for nobody.

use wasmparser::{Chunk, Parser, Payload};

use super::{PermissionRequests, PermissionRequestsError};
use crate::{Error, Result, text};

/// The section's name.
const NAME: &str = "kumiki-requests";

/// The most bytes that it may have: all requests there may be, and room.
const LARGEST: usize = 64 * 1024;

impl PermissionRequests {
    /// What the component in `bytes` requests: nothing, where it does not say.
    /// What is no component requests nothing; loading it says what it is.
    ///
    /// # Errors
    /// [`Error::PermissionRequests`] for requests that cannot be read: a plugin whose
    /// wishes nobody knows is not run.
    pub fn of(plugin: &str, bytes: &[u8]) -> Result<Self> {
        Self::read(plugin, Self::text(plugin, bytes)?)
    }

    /// The same as it stands in the component; empty, where it does not say.
    pub(crate) fn text<'a>(plugin: &str, bytes: &'a [u8]) -> Result<&'a str> {
        let text = section(bytes).map_err(|error| fault(plugin, &error))?;
        Ok(text.unwrap_or_default())
    }

    /// Reads what [`PermissionRequests::text`] gave.
    pub(crate) fn read(plugin: &str, text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.parse()
            .map_err(|error: PermissionRequestsError| fault(plugin, &error))
    }
}

fn fault(plugin: &str, error: &PermissionRequestsError) -> Error {
    Error::PermissionRequests {
        plugin: plugin.into(),
        message: text::message(&error.message),
    }
}

/// The requests of a component as text; none where it has none. A file is read
/// as far as it makes sense: the rest is for validation to complain about.
fn section(bytes: &[u8]) -> Result<Option<&str>, PermissionRequestsError> {
    if !Parser::is_component(bytes) {
        return Ok(None);
    }
    let mut found = Vec::new();
    let (mut parser, mut rest) = (Parser::new(0), bytes);
    while let Ok(Chunk::Parsed { consumed, payload }) = parser.parse(rest, true) {
        // What is within a module or component is passed over, however large.
        let within = match payload {
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
        let Some(behind) = rest.get(consumed + within..) else {
            break;
        };
        rest = behind;
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
    if data.len() > LARGEST {
        let size = data.len();
        let message = format!("its requests are {size} bytes long, and {LARGEST} are the most");
        return Err(PermissionRequestsError::new(message));
    }
    std::str::from_utf8(data)
        .map(Some)
        .map_err(|_| PermissionRequestsError::new("its requests are not UTF-8"))
}
