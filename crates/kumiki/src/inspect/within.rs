//! Comparison with the maximum of a part of a component.

use crate::{Error, Result};

/// Returns [`Error::TooLarge`] if `found` exceeds `most`.
pub(crate) fn within(plugin: &str, what: &'static str, found: usize, most: usize) -> Result<()> {
    if found <= most {
        return Ok(());
    }
    Err(Error::TooLarge {
        plugin: plugin.into(),
        what,
        found,
        most,
    })
}
