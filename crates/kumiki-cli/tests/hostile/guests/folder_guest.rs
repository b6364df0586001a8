//! A guest that uses the last folder that it is given.

use test_components::{ECHO, TEXT_PROCESSOR, TextPlugin, build};

/// The part of WASI that it uses.
const WASI: &str = "
world folder-plugin {
    include text-plugin;
    import wasi:filesystem/preopens@0.2.0;
}
package wasi:filesystem@0.2.0 {
    interface types {
        enum error-code {
            access, would-block, already, bad-descriptor, busy, deadlock, quota, exist,
            file-too-large, illegal-byte-sequence, in-progress, interrupted, invalid, io,
            is-directory, loop, too-many-links, message-size, name-too-long, no-device, no-entry,
            no-lock, insufficient-memory, insufficient-space, not-directory, not-empty,
            not-recoverable, unsupported, no-tty, no-such-device, overflow, not-permitted, pipe,
            read-only, invalid-seek, text-file-busy, cross-device,
        }
        resource descriptor {
            create-directory-at: func(path: string) -> result<_, error-code>;
            symlink-at: func(old-path: string, new-path: string) -> result<_, error-code>;
        }
    }
    interface preopens {
        use types.{descriptor};
        get-directories: func() -> list<tuple<descriptor, string>>;
    }
}
";

const IMPORTS: &str = r#"
(import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
(import "wasi:filesystem/types@0.2.0" "[method]descriptor.create-directory-at"
    (func $make (param i32 i32 i32 i32)))
(import "wasi:filesystem/types@0.2.0" "[method]descriptor.symlink-at"
    (func $symlink (param i32 i32 i32 i32 i32 i32)))"#;

/// Makes the folder `pwned` in the last folder that it is given, at each record.
pub(crate) fn intruder(name: &str) -> Vec<u8> {
    guest(
        name,
        "(call $make (local.get $folder) (i32.const 300) (i32.const 5) (i32.const 128))",
    )
}

/// Makes a symbolic link `name` to `target` in the last folder that it is given. Each has fewer than 64 bytes.
pub(crate) fn planter(target: &str, name: &str) -> Vec<u8> {
    let plant = format!(
        "(call $symlink (local.get $folder) (i32.const 320) (i32.const {}) (i32.const 384)
            (i32.const {}) (i32.const 128))",
        target.len(),
        name.len()
    );
    let plugin = plugin("planter", &plant).data(320, target).data(384, name);
    build(&wit(), "folder-plugin", &plugin.core())
}

fn guest(name: &str, act: &str) -> Vec<u8> {
    build(&wit(), "folder-plugin", &plugin(name, act).core())
}

fn wit() -> String {
    format!("{TEXT_PROCESSOR}{WASI}")
}

/// Without a folder it does nothing.
fn plugin(name: &str, act: &str) -> TextPlugin {
    TextPlugin::new(name)
        .import(IMPORTS)
        .data(300, "pwned")
        .process(&format!(
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

/// The same bytes with a request for this folder.
pub(crate) fn requesting(plugin: &[u8], folder: &str) -> Vec<u8> {
    let requests = format!("[dirs]\n'{folder}' = 'keeps its words there'\n");
    test_components::with_section(plugin, "kumiki-requests", requests.as_bytes())
}
