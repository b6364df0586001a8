//! Reads a contract's WIT and finds a world in it.

use std::path::Path;

use wit_bindgen_core::{Files, WorldGenerator};
use wit_parser::{Resolve, TypeDefKind, WorldId, WorldItem};

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

/// The files that a bindings' `generator` makes of a world, or why it makes
/// none.
pub(crate) fn generate(
    generator: &mut dyn WorldGenerator,
    mut resolve: Resolve,
    world: WorldId,
) -> Result<Files, String> {
    let mut files = Files::default();
    generator
        .generate(&mut resolve, world, &mut files)
        .map_err(|error| format!("{error:#}"))?;
    Ok(files)
}

/// Whether a resource is among the types of an interface that the world
/// exports.
pub(crate) fn exports_resource(resolve: &Resolve, world: WorldId) -> bool {
    let mut exports = resolve.worlds[world].exports.values();
    exports.any(|item| match item {
        WorldItem::Interface { id, .. } => {
            let mut types = resolve.interfaces[*id].types.values();
            types.any(|id| matches!(resolve.types[*id].kind, TypeDefKind::Resource))
        }
        _ => false,
    })
}
