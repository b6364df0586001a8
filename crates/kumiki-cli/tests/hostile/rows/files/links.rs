//! Rows: links instead of files that the program writes. A writable grant there is
//! refused (`grants/own_files.rs`), so these rows create the links themselves.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use test_components::TextPlugin;

use crate::guests::FOREVER;
#[cfg(unix)]
use crate::program::make_pipe;
use crate::program::{Scene, link, start};
use crate::rows::data::parquet;
use crate::suite::{Case, to_text};

/// The maximum memory of the program, in MiB.
const MAX_MEMORY: usize = 512;
/// The output is the last argument.
const LINES: &str = "run -p echo.wasm in.txt -o raw -O out/o.txt";
const TABLE: &str = "run -p echo.wasm in.parquet --field id --into id -O out/o.parquet";
/// The name of the output until it is complete.
const PART: &str = "o.txt.part";

pub(crate) fn cases() -> Vec<Case> {
    vec![
        planted(
            "`.part.json` planted as a symbolic link",
            symbolic,
            "o.txt.part.json",
            LINES,
        ),
        planted(
            "the journal's `.new` planted as a symbolic link",
            symbolic,
            "o.txt.part.json.new",
            LINES,
        ),
        planted(
            "the journal's `.new` planted as a hard link",
            hard,
            "o.txt.part.json.new",
            LINES,
        ),
        planted("the output planted as a hard link", hard, "o.txt", LINES),
        planted(
            "the output of Parquet planted as a hard link",
            hard,
            "o.parquet",
            TABLE,
        ),
        refused(
            "the output planted as a symbolic link",
            symbolic,
            "o.txt",
            LINES,
        ),
        refused(
            "the output of Parquet planted as a symbolic link",
            symbolic,
            "o.parquet",
            TABLE,
        ),
        refused("`.part` planted as a symbolic link", symbolic, PART, LINES),
        refused("`.part` planted as a hard link", hard, PART, LINES),
        #[cfg(unix)]
        row("a pipe instead of the output", pipe),
        row(
            "`.part` replaced by a link while records are read",
            replaced,
        ),
        row("a link instead of the output of a resumed run", |scene| {
            resumed(scene, "o.txt.part")
        }),
        row("a link instead of the state of a resumed run", |scene| {
            resumed(scene, "o.txt.part.json")
        }),
    ]
}

/// Creates a link at a path.
type Plant = fn(&Path) -> Result<(), String>;

/// A link is in the output's folder before the run, as a plugin with a writable grant
/// could create it. The program must write the complete output, and nothing outside.
fn planted(name: &'static str, plant: Plant, at: &'static str, arguments: &'static str) -> Case {
    row(name, move |scene| {
        prepare(scene)?;
        plant(&scene.path("work/out").join(at))?;
        scene.run(arguments)?.expect_within(0, MAX_MEMORY)?;
        untouched(scene)?;
        let (_, output) = arguments.rsplit_once(' ').ok_or("no output")?;
        let output = scene.path("work").join(output);
        let metadata = fs::symlink_metadata(&output).map_err(to_text)?;
        match metadata.is_file() && metadata.len() > 0 {
            true => Ok(()),
            false => Err("the output is not complete".to_owned()),
        }
    })
}

/// The same with a link that the program must refuse before the first record.
fn refused(name: &'static str, plant: Plant, at: &'static str, arguments: &'static str) -> Case {
    row(name, move |scene| {
        for more in ["", " --resume"] {
            prepare(scene)?;
            let path = scene.path("work/out").join(at);
            let _ = fs::remove_file(&path);
            plant(&path)?;
            let output = scene.run(&format!("{arguments}{more}"))?;
            output.expect_within(2, MAX_MEMORY)?;
            untouched(scene)?;
        }
        Ok(())
    })
}

/// A pipe is refused, is not replaced, and does not block the program.
#[cfg(unix)]
fn pipe(scene: &Scene) -> Result<(), String> {
    prepare(scene)?;
    let path = scene.path("work/out/o.txt");
    make_pipe(&path)?;
    scene.run(LINES)?.expect_within(2, MAX_MEMORY)?;
    untouched(scene)?;
    let left = fs::symlink_metadata(&path).map_err(to_text)?;
    match left.is_file() {
        true => Err("the pipe was replaced by a file".to_owned()),
        false => Ok(()),
    }
}

/// The file is replaced by a link while the program waits for input.
fn replaced(scene: &Scene) -> Result<(), String> {
    prepare(scene)?;
    let mut command = scene.command("run -p echo.wasm -o raw -O out/o.txt");
    let mut process = start(&mut command, Stdio::piped())?;
    let part = scene.path("work/out/o.txt.part");
    process.wait_until("it created the output", || part.exists())?;
    fs::remove_file(&part).map_err(to_text)?;
    symbolic(&part)?;
    let mut input = process.take_stdin()?;
    input.write_all(b"line 1\n").map_err(to_text)?;
    drop(input);
    let output = process.wait()?;
    untouched(scene)?;
    output.expect(1, &["was replaced by another file"])
}

/// A file that a killed run left is replaced by a link. Resuming with it is refused.
fn resumed(scene: &Scene, name: &str) -> Result<(), String> {
    prepare(scene)?;
    let endless = TextPlugin::new("endless").process(&format!("{FOREVER} unreachable"));
    scene.file("work/echo.wasm", endless.build())?;
    let mut process = start(&mut scene.command(LINES), Stdio::null())?;
    let state = scene.path("work/out/o.txt.part.json");
    process.wait_until("it wrote its state", || {
        fs::metadata(&state).is_ok_and(|file| file.len() > 0)
    })?;
    process.kill()?;
    let path = scene.path("work/out").join(name);
    let outside = scene.path("work/outside");
    fs::rename(&path, &outside).map_err(to_text)?;
    let before = fs::read(&outside).map_err(to_text)?;
    link(Path::new("../outside"), &path)?;
    let output = scene.run(&format!("{LINES} --resume"))?;
    output.expect_within(2, MAX_MEMORY)?;
    match fs::read(&outside) {
        Ok(after) if after == before => {}
        _ => return Err("the target of the link was changed".to_owned()),
    }
    output.expect(2, &["is not opened"])
}

/// A symbolic link to a file outside the output's folder. The file does not exist.
fn symbolic(path: &Path) -> Result<(), String> {
    link(Path::new("../escaped"), path)
}

/// A hard link to an existing file.
fn hard(path: &Path) -> Result<(), String> {
    fs::hard_link(path.with_file_name("victim"), path).map_err(to_text)
}

/// Writes the input, the plugin, and a file in the output's folder that must not
/// change.
fn prepare(scene: &Scene) -> Result<(), String> {
    scene.file("work/in.txt", "line 1\nline 2\n")?;
    scene.file("work/in.parquet", parquet::texts("large\n"))?;
    scene.file("work/echo.wasm", TextPlugin::new("echo").build())?;
    scene.file("work/out/victim", "victim")
}

/// Fails if a file was created outside, or the file with a hard link was changed.
fn untouched(scene: &Scene) -> Result<(), String> {
    if fs::symlink_metadata(scene.path("work/escaped")).is_ok() {
        return Err("a file was created outside the folder".to_owned());
    }
    match scene.read("work/out/victim") {
        Ok(victim) if victim == b"victim" => Ok(()),
        _ => Err("another file was written through its hard link".to_owned()),
    }
}

fn row(
    name: &'static str,
    check: impl FnOnce(&Scene) -> Result<(), String> + Send + 'static,
) -> Case {
    Case::in_scene(name, check).timeout(60)
}
