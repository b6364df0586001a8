//! Reads a contract's WIT and finds a world in it.

use std::path::Path;

use wit_parser::{Resolve, WorldId};

use crate::error::Error;

/// The `world` of the WIT at `wit`, a file or a folder; the only one, where it
/// is not named.
pub(crate) fn read(wit: &Path, world: Option<&str>) -> Result<(Resolve, WorldId), Error> {
    let mut resolve = Resolve::default();
    let world = resolve
        .push_path(wit)
        .and_then(|(package, _)| resolve.select_world(&[package], world));
    match world {
        Ok(world) => Ok((resolve, world)),
        Err(error) => Err(Error::Wit {
            path: wit.to_owned(),
            message: format!("{error:#}"),
        }),
    }
}
