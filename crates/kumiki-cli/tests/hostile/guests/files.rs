//! Guests that use files and folders.

use test_components::{ECHO, TextPlugin};

use super::parts::{EMPTY, attacker, result};

const FILES: &str = "wasi:filesystem/types";

/// An attacker with the functions of [`files`].
pub(crate) fn with_files(name: &str, body: &str) -> TextPlugin {
    files(attacker(body), name)
}

/// Adds functions for files to a guest. `$folder` returns the handle of the first
/// granted folder. `$open` (folder, open flags, descriptor flags) opens the file
/// `name`. The name is stored at 300; results are written to 128.
pub(crate) fn files(guest: TextPlugin, name: &str) -> TextPlugin {
    folders(guest)
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

/// Adds `$directories`, which returns the granted folders.
fn folders(guest: TextPlugin) -> TextPlugin {
    guest.wasi(
        "wasi:filesystem/preopens",
        "get-directories",
        "$directories",
    )
}

/// Adds a function of `wasi:filesystem/types`.
pub(crate) fn method(guest: TextPlugin, name: &str, label: &str) -> TextPlugin {
    guest.wasi(FILES, name, label)
}

/// Adds a function of `wasi:io/streams`.
pub(crate) fn stream_method(guest: TextPlugin, name: &str, label: &str) -> TextPlugin {
    guest.wasi("wasi:io/streams", name, label)
}

/// A guest that opens the file `secret` in its first folder for reading, and returns
/// `open` if that succeeds and `shut` otherwise.
#[cfg(target_os = "linux")]
pub(crate) fn opener() -> TextPlugin {
    let open = result(("(i32.const 340)", "(i32.const 4)"), EMPTY);
    let shut = result(("(i32.const 344)", "(i32.const 4)"), EMPTY);
    method(
        folders(TextPlugin::new("opener")),
        "[method]descriptor.open-at",
        "$open",
    )
    .data(320, "secret")
    .data(340, "openshut")
    .process(&format!(
        "(call $directories (i32.const 128))
         (if (i32.eqz (i32.load (i32.const 132))) (then unreachable))
         (call $open (i32.load (i32.load (i32.const 128)))
            (i32.const 0) (i32.const 320) (i32.const 6) (i32.const 0) (i32.const 1)
            (i32.const 128))
         (if (i32.load8_u (i32.const 128)) (then {shut}))
         {open} {ECHO}"
    ))
}

/// A guest that creates the folder `pwned` in its last granted folder for each record.
pub(crate) fn intruder(name: &str) -> Vec<u8> {
    let act = "(call $make (local.get $folder) (i32.const 300) (i32.const 5) (i32.const 128))";
    let guest = in_last_folder(name, act).data(300, "pwned");
    method(guest, "[method]descriptor.create-directory-at", "$make").build()
}

/// A guest that creates a symbolic link `name` to `target` in its last granted folder
/// for each record. `name` and `target` must be shorter than 64 bytes.
#[cfg(unix)]
pub(crate) fn planter(target: &str, name: &str) -> Vec<u8> {
    let act = format!(
        "(call $symlink (local.get $folder) (i32.const 320) (i32.const {}) (i32.const 384)
            (i32.const {}) (i32.const 128))",
        target.len(),
        name.len()
    );
    let guest = in_last_folder("planter", &act)
        .data(320, target)
        .data(384, name);
    method(guest, "[method]descriptor.symlink-at", "$symlink").build()
}

/// A guest that runs `act` for each record, with its last granted folder in `$folder`.
/// It does nothing if there is no folder.
fn in_last_folder(name: &str, act: &str) -> TextPlugin {
    folders(TextPlugin::new(name)).process(&format!(
        "(local $folder i32)
         (call $directories (i32.const 128))
         (if (i32.load (i32.const 132)) (then
            (local.set $folder (i32.load (i32.add
                (i32.load (i32.const 128))
                (i32.mul (i32.const 12)
                    (i32.sub (i32.load (i32.const 132)) (i32.const 1))))))
            {act}))
         {ECHO}"
    ))
}

/// Adds a request for this folder to a plugin.
#[cfg(unix)]
pub(crate) fn requesting(plugin: &[u8], folder: &str) -> Vec<u8> {
    let requests = format!("[dirs]\n'{folder}' = 'stores its words there'\n");
    test_components::with_section(plugin, "kumiki-requests", requests.as_bytes())
}
