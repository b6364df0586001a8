//! Guests that are granted something, and what their text begins with.

use std::path::Path;
use std::time::Duration;

use kumiki::{FolderGrant, Grants, Limits};
use kumiki_text::{Config, TextHost, TextPlugin};
use test_components::TextPlugin as Guest;

use crate::guests::attacker;
use crate::suite::case::{self, Case};
use crate::suite::{Outcome, Seen};

/// The time limit of calls that end by themselves.
pub(crate) const LONG: Duration = Duration::from_secs(10);

const FILES: &str = "wasi:filesystem/types";

/// A guest with functions of files: `$folder` gives the handle of the first
/// granted folder; `$open` (folder, how, flags) opens what stands at 300, of
/// the length in `$name`; all answers go to 128.
pub(crate) fn with_files(name: &str, body: &str) -> Guest {
    files(attacker(body), name)
}

/// Any guest with these functions.
pub(crate) fn files(guest: Guest, name: &str) -> Guest {
    guest
        .wasi(
            "wasi:filesystem/preopens",
            "get-directories",
            "$directories",
        )
        .wasi(FILES, "[method]descriptor.open-at", "$open-at")
        .data(300, name)
        .items(&format!(
            "(func $folder (result i32)
                (call $directories (i32.const 128))
                (i32.load (i32.load (i32.const 128))))
             (func $open (param $folder i32) (param $how i32) (param $flags i32) (result i32)
                (call $open-at (local.get $folder) (i32.const 1) (i32.const 300) (i32.const {})
                    (local.get $how) (local.get $flags) (i32.const 128))
                (if (i32.load8_u (i32.const 128)) (then unreachable))
                (i32.load (i32.const 132)))",
            name.len()
        ))
}

/// Adds a method of files, of streams, or whatever an interface has.
pub(crate) fn method(guest: Guest, name: &str, label: &str) -> Guest {
    guest.wasi(FILES, name, label)
}

pub(crate) fn stream_method(guest: Guest, name: &str, label: &str) -> Guest {
    guest.wasi("wasi:io/streams", name, label)
}

/// A row: a guest with grants, which are made when its turn comes.
pub(crate) fn case<T: Send + 'static>(
    name: &'static str,
    outcome: (Outcome, &'static str),
    guest: Guest,
    limits: Limits,
    make: impl FnOnce() -> Result<(T, Grants), String> + Send + 'static,
) -> Case {
    Case::granted(name, outcome, guest, limits, move || {
        let (kept, grants) = make()?;
        Ok((Box::new(kept), grants))
    })
}

/// Loads a guest with grants, attacks, and calls it once more.
pub(crate) fn attempt(guest: &Guest, grants: Grants, limits: Limits) -> Result<Seen, String> {
    let mut plugin = match load(guest, grants, limits) {
        Ok(plugin) => plugin,
        Err(error) => return Ok(error.into()),
    };
    case::attack(&mut plugin)
}

/// A guest with grants.
pub(crate) fn load(
    guest: &Guest,
    grants: Grants,
    limits: Limits,
) -> Result<TextPlugin, kumiki_text::Error> {
    let host = TextHost::builder().limits(limits).grants(grants).build()?;
    let plugin = host.load_bytes("hostile.wasm", &guest.build())?;
    TextPlugin::new(plugin, Config::default())
}

/// A new folder to read and change, and its grant.
pub(crate) fn folder() -> Result<(tempfile::TempDir, Grants), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let grants = to_change(folder.path());
    Ok((folder, grants))
}

pub(crate) fn to_change(folder: &Path) -> Grants {
    Grants::default().with_folder(FolderGrant::read_write(folder, "/data"))
}

/// The same with one file of this content.
pub(crate) fn folder_with(
    name: &str,
    content: &[u8],
) -> Result<(tempfile::TempDir, Grants), String> {
    let (folder, grants) = folder()?;
    let file = folder.path().join(name);
    std::fs::write(file, content).map_err(|error| error.to_string())?;
    Ok((folder, grants))
}

pub(crate) fn limits(time: Duration) -> Limits {
    Limits::default().with_time(time).with_memory(64 << 20)
}
