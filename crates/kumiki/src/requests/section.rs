//! Where requests stand in a component: in the one custom section of its
//! outermost layer that has their name. What stands in a module within it is
//! a library's, and speaks for nobody.

use wasmparser::{Parser, Payload};

use super::RequestsError;

/// The section's name.
const NAME: &str = "kumiki-requests";

/// The most bytes that it may have: all requests there may be, and room.
const LARGEST: usize = 64 * 1024;

/// The requests of a component as text; none where it has none. A file is read
/// as far as it makes sense: the rest is for validation to complain about.
pub(super) fn text(bytes: &[u8]) -> Result<Option<&str>, RequestsError> {
    if !Parser::is_component(bytes) {
        return Ok(None);
    }
    let mut found = Vec::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == NAME => {
                found.push(section.data());
            }
            _ => {}
        }
    }
    let data = match *found {
        [] => return Ok(None),
        [one] => one,
        _ => {
            return Err(RequestsError::new(
                "there is more than one section of requests",
            ));
        }
    };
    if data.len() > LARGEST {
        let size = data.len();
        let message = format!("its requests are {size} bytes long, and {LARGEST} are the most");
        return Err(RequestsError::new(message));
    }
    std::str::from_utf8(data)
        .map(Some)
        .map_err(|_| RequestsError::new("its requests are not UTF-8"))
}
