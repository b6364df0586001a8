//! Reads a contract's WIT and selects a world.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::Path;

use wit_bindgen_core::{Files, WorldGenerator};
use wit_parser::{Function, LiveTypes, Resolve, TypeDefKind, WorldId, WorldItem};

use crate::error::Error;
use crate::reading::open;
use crate::wit_faults::fault;

/// The maximum total size of a project's WIT, in bytes.
const MAX_BYTES: u64 = 16 << 20;
/// The maximum number of files and folders in a folder of WIT.
const MAX_ENTRIES: usize = 10_000;

/// Reads the WIT at `wit`, a file or a folder, and selects `world`, or the only
/// world if none is named.
pub(crate) fn read(wit: &Path, world: Option<&str>) -> Result<(Resolve, WorldId), Error> {
    check(wit)?;
    let mut resolve = Resolve::default();
    let package = match resolve.push_path(wit) {
        Ok((package, _)) => package,
        Err(error) => return Err(fault(wit, &resolve, error.as_ref())),
    };
    match resolve.select_world(&[package], world) {
        Ok(world) => Ok((resolve, world)),
        Err(_) => Err(Error::World {
            path: wit.to_owned(),
            wanted: world.map(str::to_owned),
            worlds: resolve.packages[package].worlds.keys().cloned().collect(),
        }),
    }
}

/// Refuses WIT that is too large, or not in regular files, before wit-parser
/// reads it. wit-parser reads any file in the folder, in `deps` and in the
/// folders of `deps`.
fn check(wit: &Path) -> Result<(), Error> {
    let unreadable = |path: &Path, why: &dyn fmt::Display| Error::Wit {
        path: path.to_owned(),
        message: format!("cannot be read: {why}"),
    };
    let check_file = |path: &Path, remaining: &mut u64| {
        let file = open(path).and_then(|file| file.metadata());
        let length = file.map_err(|error| unreadable(path, &error))?.len();
        *remaining = remaining.checked_sub(length).ok_or_else(|| {
            let why = format!("the WIT exceeds {MAX_BYTES} bytes in total");
            unreadable(path, &why)
        })?;
        Ok(())
    };
    let mut remaining = MAX_BYTES;
    if !wit.is_dir() {
        return check_file(wit, &mut remaining);
    }
    let (mut pending, mut count) = (vec![(wit.to_owned(), 0)], 0);
    while let Some((folder, depth)) = pending.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))? {
            let path = entry.map_err(|error| unreadable(&folder, &error))?.path();
            count += 1;
            if count > MAX_ENTRIES {
                let why = format!("more than {MAX_ENTRIES} files and folders");
                return Err(unreadable(wit, &why));
            }
            let extension = path.extension().and_then(OsStr::to_str);
            if path.is_dir() {
                // wit-parser goes no deeper.
                if depth < 2 {
                    pending.push((path, depth + 1));
                }
            } else if matches!(extension, Some("wit" | "wasm" | "wat")) {
                check_file(&path, &mut remaining)?;
            }
        }
    }
    Ok(())
}

/// Runs a bindings `generator` on a world and returns the generated files, or
/// why it failed.
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

/// Whether the world imports or exports something asynchronous: a function, or a type with
/// streams or futures.
pub(crate) fn is_async(resolve: &Resolve, world: WorldId) -> bool {
    let world = &resolve.worlds[world];
    let mut items = world.imports.values().chain(world.exports.values());
    items.any(|item| match item {
        WorldItem::Function(function) => is_async_function(resolve, function),
        WorldItem::Interface { id, .. } => {
            let mut functions = resolve.interfaces[*id].functions.values();
            functions.any(|function| is_async_function(resolve, function))
        }
        WorldItem::Type { .. } => false,
    })
}

fn is_async_function(resolve: &Resolve, function: &Function) -> bool {
    let mut live = LiveTypes::default();
    live.add_func(resolve, function);
    let mut types = live.iter().map(|id| &resolve.types[id].kind);
    function.kind.is_async()
        || types.any(|kind| matches!(kind, TypeDefKind::Stream(_) | TypeDefKind::Future(_)))
}

/// Whether the world exports an interface that defines a resource.
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
