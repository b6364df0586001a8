//! Reads a contract's WIT and finds a world in it.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::Path;

use wit_bindgen_core::{Files, WorldGenerator};
use wit_parser::{Resolve, TypeDefKind, WorldId, WorldItem};

use crate::error::Error;
use crate::reading::open;

/// The most bytes of all WIT of a project.
const MOST: u64 = 16 << 20;
/// The most files and folders in a folder of WIT.
const MOST_FILES: usize = 10_000;

/// The `world` of the WIT at `wit`, a file or a folder; the only one, where it
/// is not named.
pub(crate) fn read(wit: &Path, world: Option<&str>) -> Result<(Resolve, WorldId), Error> {
    check(wit)?;
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

/// Refuses WIT that is not to be read to its end, before wit-parser reads it: it
/// takes any file in the folder, in `deps` and in the folders of `deps`.
fn check(wit: &Path) -> Result<(), Error> {
    let unreadable = |path: &Path, why: &dyn fmt::Display| Error::Wit {
        path: path.to_owned(),
        message: format!("it cannot be read: {why}"),
    };
    let check_file = |path: &Path, left: &mut u64| {
        let file = open(path).and_then(|file| file.metadata());
        let length = file.map_err(|error| unreadable(path, &error))?.len();
        *left = left.checked_sub(length).ok_or_else(|| {
            let why = format!("with it, the WIT has over {MOST} bytes");
            unreadable(path, &why)
        })?;
        Ok(())
    };
    let mut left = MOST;
    if !wit.is_dir() {
        return check_file(wit, &mut left);
    }
    let (mut open, mut count) = (vec![(wit.to_owned(), 0)], 0);
    while let Some((folder, depth)) = open.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))? {
            let path = entry.map_err(|error| unreadable(&folder, &error))?.path();
            count += 1;
            if count > MOST_FILES {
                let why = format!("it has over {MOST_FILES} files and folders");
                return Err(unreadable(wit, &why));
            }
            let extension = path.extension().and_then(OsStr::to_str);
            if path.is_dir() {
                // No deeper than wit-parser goes.
                if depth < 2 {
                    open.push((path, depth + 1));
                }
            } else if matches!(extension, Some("wit" | "wasm" | "wat")) {
                check_file(&path, &mut left)?;
            }
        }
    }
    Ok(())
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
