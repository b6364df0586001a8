//! A guest that opens a file in the first folder that it is granted.

use test_components::{ECHO, TEXT_PROCESSOR, TextPlugin, build};

use crate::guests::result;

/// The part of WASI that it uses.
const WASI: &str = "
world file-plugin {
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
        flags path-flags { symlink-follow }
        flags open-flags { create, directory, exclusive, truncate }
        flags descriptor-flags {
            read, write, file-integrity-sync, data-integrity-sync, requested-write-sync,
            mutate-directory,
        }
        resource descriptor {
            open-at: func(path-flags: path-flags, path: string, open-flags: open-flags,
                %flags: descriptor-flags) -> result<descriptor, error-code>;
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
(import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))"#;

/// Opens the file `secret` in the folder, to read: answers `open`, or `shut`.
pub(crate) fn opener() -> Vec<u8> {
    let nothing = ("(i32.const 0)", "(i32.const 0)");
    let open = result(("(i32.const 340)", "(i32.const 4)"), nothing);
    let shut = result(("(i32.const 344)", "(i32.const 4)"), nothing);
    let plugin = TextPlugin::new("opener")
        .import(IMPORTS)
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
        ));
    let wit = format!("{TEXT_PROCESSOR}{WASI}");
    build(&wit, "file-plugin", &plugin.core())
}
