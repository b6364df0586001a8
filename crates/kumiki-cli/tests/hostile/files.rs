//! Plugins that plant links where the program writes its own files.

use std::fs;
use std::path::Path;

use test_components::{TEXT_PROCESSOR, TextPlugin};

use crate::case::Case;
use crate::outcome::{Outcome::Answer, Seen};
use crate::program::run;

/// The functions of WASI that make links and remove files, in the folder that was
/// granted first.
const LINKS: &str = r#"
    (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $dirs (param i32)))
    (import "wasi:filesystem/types@0.2.0" "[method]descriptor.symlink-at"
        (func $symlink (param i32 i32 i32 i32 i32 i32)))
    (import "wasi:filesystem/types@0.2.0" "[method]descriptor.link-at"
        (func $link (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "wasi:filesystem/types@0.2.0" "[method]descriptor.unlink-file-at"
        (func $unlink (param i32 i32 i32 i32)))
"#;

const WIT: &str = "
    world linker {
        include text-plugin;
        import wasi:filesystem/types@0.2.0;
        import wasi:filesystem/preopens@0.2.0;
    }

    package wasi:filesystem@0.2.0 {
        interface types {
            resource descriptor {
                symlink-at: func(old-path: string, new-path: string) -> result<_, error-code>;
                link-at: func(old-path-flags: path-flags, old-path: string,
                    new-descriptor: borrow<descriptor>, new-path: string) -> result<_, error-code>;
                unlink-file-at: func(path: string) -> result<_, error-code>;
            }
            flags path-flags {
                symlink-follow,
            }
            enum error-code {
                access, would-block, already, bad-descriptor, busy, deadlock, quota, exist,
                file-too-large, illegal-byte-sequence, in-progress, interrupted, invalid, io,
                is-directory, loop, too-many-links, message-size, name-too-long, no-device,
                no-entry, no-lock, insufficient-memory, insufficient-space, not-directory,
                not-empty, not-recoverable, unsupported, no-tty, no-such-device, overflow,
                not-permitted, pipe, read-only, invalid-seek, text-file-busy, cross-device,
            }
        }
        interface preopens {
            use types.{descriptor};
            get-directories: func() -> list<tuple<descriptor, string>>;
        }
    }
";

pub(crate) fn cases() -> Vec<Case> {
    let table: &[&str] = &[
        "in.parquet",
        "--field",
        "id",
        "--into",
        "id",
        "-O",
        "out/o.parquet",
    ];
    let lines: &[&str] = &["in.txt", "-o", "raw", "-O", "out/o.txt"];
    vec![
        planted(
            "`.part` planted as a symbolic link",
            symbolic("o.txt.part"),
            lines,
        ),
        planted("`.part` planted as a hard link", hard("o.txt.part"), lines),
        planted(
            "`.part.json` planted as a symbolic link",
            symbolic("o.txt.part.json"),
            lines,
        ),
        planted(
            "the journal's `.new` planted as a symbolic link",
            symbolic("o.txt.part.json.new"),
            lines,
        ),
        planted(
            "the journal's `.new` planted as a hard link",
            hard("o.txt.part.json.new"),
            lines,
        ),
        planted(
            "the output planted as a symbolic link",
            symbolic("o.txt"),
            lines,
        ),
        planted("the output planted as a hard link", hard("o.txt"), lines),
        planted(
            "`.part` of Parquet planted as a symbolic link",
            symbolic("o.parquet.part"),
            table,
        ),
        planted(
            "`.part` of Parquet planted as a hard link",
            hard("o.parquet.part"),
            table,
        ),
        row(
            "`.part` replaced by a link while records are read",
            |folder| {
                // The first record has the file removed and a link put there.
                let replace = symbolic("o.txt.part");
                let ran = attack(folder, &replace, lines, false)?;
                untouched(folder)?;
                match (ran, folder.join("out/o.txt").exists()) {
                    (1, false) => Ok(()),
                    (code, there) => {
                        Err(format!("exit code {code}, and the file is there: {there}"))
                    }
                }
            },
        ),
        row("links in the place of what a run goes on with", resumed),
    ]
}

/// A plugin that plants something while it is asked for its name: the output must
/// be whole all the same, and nothing outside is touched.
fn planted(name: &'static str, plant: Plant, arguments: &'static [&'static str]) -> Case {
    row(name, move |folder| {
        let code = attack(folder, &plant, arguments, true)?;
        untouched(folder)?;
        let output = folder.join(arguments[arguments.len() - 1]);
        let metadata = fs::symlink_metadata(&output).map_err(|error| error.to_string())?;
        let is_whole = metadata.is_file() && metadata.len() > 0;
        match (code, is_whole) {
            (0, true) => Ok(()),
            _ => Err(format!(
                "exit code {code}, and the output is whole: {is_whole}"
            )),
        }
    })
}

/// What was there of a file is replaced by links, and the run is to go on.
fn resumed(folder: &Path) -> Result<(), String> {
    let begun = folder.join("out/o.txt.part");
    let state = folder.join("out/o.txt.part.json");
    for (path, name) in [(&begun, "escaped.part"), (&state, "escaped.json")] {
        prepare(folder)?;
        let _ = fs::remove_file(&begun);
        let _ = fs::remove_file(&state);
        // What any run leaves behind that was ended at its beginning.
        let arguments = [
            "run",
            "-p",
            "echo.wasm",
            "in.txt",
            "-o",
            "raw",
            "-O",
            "out/o.txt",
        ];
        let ran = run(folder, &arguments)?;
        ran.judge(0, 512)?;
        fs::write(&begun, "line 1\n").map_err(|error| error.to_string())?;
        fs::write(&state, "{}").map_err(|error| error.to_string())?;
        let outside = folder.join(name);
        fs::rename(path, &outside).map_err(|error| error.to_string())?;
        let before = fs::read(&outside).map_err(|error| error.to_string())?;
        link(Path::new("..").join(name).as_path(), path)?;
        let ran = run(folder, &[&arguments[..], &["--resume"]].concat())?;
        ran.judge(2, 512)?;
        match fs::read(&outside) {
            Ok(after) if after == before => {}
            _ => return Err("what the link leads to was changed".to_owned()),
        }
        if !ran.stderr.text.contains("is not opened") {
            return Err(format!("it does not say why: {}", ran.stderr.text));
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(to: &Path, from: &Path) -> Result<(), String> {
    std::os::unix::fs::symlink(to, from).map_err(|error| error.to_string())
}

#[cfg(not(unix))]
fn link(_to: &Path, _from: &Path) -> Result<(), String> {
    Err("links need a privilege here".to_owned())
}

/// What a guest does in the folder that it is granted.
type Plant = String;

/// `name` becomes a link to `../escaped`, whatever was there.
fn symbolic(name: &str) -> Plant {
    format!(
        "{} (call $symlink (local.get $dir)
            (i32.const 300) (i32.const 10) (i32.const 400) (i32.const {}) (i32.const 128))",
        remove(name),
        name.len()
    )
}

/// `name` becomes another name of `victim`, whatever was there.
fn hard(name: &str) -> Plant {
    format!(
        "{} (call $link (local.get $dir) (i32.const 0) (i32.const 320) (i32.const 6)
            (local.get $dir) (i32.const 400) (i32.const {}) (i32.const 128))",
        remove(name),
        name.len()
    )
}

/// Notes the name at 400, and removes what has it.
fn remove(name: &str) -> String {
    let bytes = name.bytes().enumerate();
    let store = bytes.map(|(at, byte)| {
        let at = 400 + at;
        format!("(i32.store8 (i32.const {at}) (i32.const {byte}))")
    });
    format!(
        "{} (call $dirs (i32.const 144))
         (local.set $dir (i32.load (i32.load (i32.const 144))))
         (call $unlink (local.get $dir) (i32.const 400) (i32.const {}) (i32.const 128))",
        store.collect::<String>(),
        name.len()
    )
}

/// A folder with input, a folder for the output that holds a victim, and a file
/// outside of it.
fn prepare(folder: &Path) -> Result<(), String> {
    let out = folder.join("out");
    let made = fs::create_dir_all(&out)
        .and_then(|()| fs::write(folder.join("in.txt"), "line 1\nline 2\n"))
        .and_then(|()| fs::write(folder.join("in.parquet"), crate::output::parquet(1, 1)))
        .and_then(|()| fs::write(folder.join("echo.wasm"), TextPlugin::new("echo").build()))
        .and_then(|()| fs::write(out.join("victim"), "victim"));
    made.map_err(|error| error.to_string())
}

/// Runs a plugin that does `plant` in the folder of the output: when it is asked
/// for its name, or else at its first record. The exit code.
fn attack(folder: &Path, plant: &str, arguments: &[&str], early: bool) -> Result<i32, String> {
    prepare(folder)?;
    let name = "(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 6))
                (i32.const 0)";
    let echo = test_components::ECHO;
    let (name, process) = match early {
        true => (format!("(local $dir i32) {plant} {name}"), echo.to_owned()),
        false => (name.to_owned(), format!("(local $dir i32) {plant} {echo}")),
    };
    let guest = TextPlugin::new("linker")
        .import(LINKS)
        .data(300, "../escaped")
        .data(320, "victim")
        .get_name(&name)
        .process(&process);
    let wit = format!("{TEXT_PROCESSOR}\n{WIT}");
    let guest = test_components::build(&wit, "linker", &guest.core());
    fs::write(folder.join("linker.wasm"), guest).map_err(|error| error.to_string())?;
    let grant = [
        "run",
        "-p",
        "linker.wasm",
        "--allow-dir",
        "out::/out:rw",
        "-j",
        "1",
    ];
    let ran = run(folder, &[&grant[..], arguments].concat())?;
    ran.code.ok_or_else(|| "a signal ended it".to_owned())
}

/// Nothing was made outside, and the file with a second name is what it was.
fn untouched(folder: &Path) -> Result<(), String> {
    if fs::symlink_metadata(folder.join("escaped")).is_ok() {
        return Err("a file was made outside of the folder".to_owned());
    }
    match fs::read(folder.join("out/victim")) {
        Ok(victim) if victim == b"victim" => Ok(()),
        _ => Err("another file was written through its second name".to_owned()),
    }
}

fn row(name: &'static str, act: impl FnOnce(&Path) -> Result<(), String> + Send + 'static) -> Case {
    Case::new(name, Answer, "", move || {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        act(folder.path())?;
        Ok(Seen::answer())
    })
    .patience(120)
}
