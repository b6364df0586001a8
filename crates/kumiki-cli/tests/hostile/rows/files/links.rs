//! Links where the program writes its own files. A grant that lets a plugin write
//! there is refused (`own_files.rs`); here the links are there all the same.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use test_components::TextPlugin;

use crate::guests::FOR_EVER;
use crate::program::process::{command, run};
use crate::suite::{Case, Outcome::Answer, Seen};

/// How long the program may take to begin its output.
const PATIENCE: Duration = Duration::from_secs(60);

const LINES: &[&str] = &[
    "run",
    "-p",
    "echo.wasm",
    "in.txt",
    "-o",
    "raw",
    "-O",
    "out/o.txt",
];
/// The name that the output has until it is whole.
const PART: &str = "o.txt.part";
const TABLE: &[&str] = &[
    "run",
    "-p",
    "echo.wasm",
    "in.parquet",
    "--field",
    "id",
    "--into",
    "id",
    "-O",
    "out/o.parquet",
];

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
        row("a pipe in the place of the output", pipe),
        row(
            "`.part` replaced by a link while records are read",
            replaced,
        ),
        row(
            "a link in the place of the output that a run goes on with",
            |folder| resumed(folder, "o.txt.part"),
        ),
        row(
            "a link in the place of the state that a run goes on with",
            |folder| resumed(folder, "o.txt.part.json"),
        ),
    ]
}

type Plant = fn(&Path) -> Result<(), String>;

/// Something is planted in the output's folder before the run, as another plugin
/// that may write there could do: the output must be whole all the same, and
/// nothing outside is touched.
fn planted(
    name: &'static str,
    plant: Plant,
    at: &'static str,
    arguments: &'static [&'static str],
) -> Case {
    row(name, move |folder| {
        prepare(folder)?;
        plant(&folder.join("out").join(at))?;
        run(folder, arguments)?.judge(0, 512)?;
        untouched(folder)?;
        let output = folder.join(arguments[arguments.len() - 1]);
        let metadata = fs::symlink_metadata(&output).map_err(|error| error.to_string())?;
        match metadata.is_file() && metadata.len() > 0 {
            true => Ok(()),
            false => Err("the output is not whole".to_owned()),
        }
    })
}

/// The same where the program does not begin.
fn refused(
    name: &'static str,
    plant: Plant,
    at: &'static str,
    arguments: &'static [&'static str],
) -> Case {
    row(name, move |folder| {
        for more in [&[][..], &["--resume"]] {
            prepare(folder)?;
            let path = folder.join("out").join(at);
            let _ = fs::remove_file(&path);
            plant(&path)?;
            run(folder, &[arguments, more].concat())?.judge(2, 512)?;
            untouched(folder)?;
        }
        Ok(())
    })
}

/// What is no regular file is neither replaced nor waited for.
fn pipe(folder: &Path) -> Result<(), String> {
    prepare(folder)?;
    let path = folder.join("out/o.txt");
    let made = Command::new("mkfifo").arg(&path).status();
    made.map_err(|error| error.to_string())?;
    run(folder, LINES)?.judge(2, 512)?;
    untouched(folder)?;
    let left = fs::symlink_metadata(&path).map_err(|error| error.to_string())?;
    match left.is_file() {
        true => Err("the pipe was replaced by a file".to_owned()),
        false => Ok(()),
    }
}

/// The file is removed and a link put there while the program waits for input.
fn replaced(folder: &Path) -> Result<(), String> {
    prepare(folder)?;
    let arguments = ["run", "-p", "echo.wasm", "-o", "raw", "-O", "out/o.txt"];
    let mut child = command(folder, &arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let part = folder.join("out/o.txt.part");
    wait_for(&part, &mut child)?;
    fs::remove_file(&part).map_err(|error| error.to_string())?;
    symbolic(&part)?;
    let mut input = child.stdin.take().ok_or("there is no pipe")?;
    let written = input.write_all(b"line 1\n");
    written.map_err(|error| error.to_string())?;
    drop(input);
    let ended = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    untouched(folder)?;
    let said = String::from_utf8_lossy(&ended.stderr);
    match ended.status.code() {
        Some(1) if said.contains("was replaced by another file") => Ok(()),
        code => Err(format!("it ended with {code:?}: {said}")),
    }
}

/// What there is of a run that was killed is replaced by a link, and the run is
/// to go on.
fn resumed(folder: &Path, name: &str) -> Result<(), String> {
    prepare(folder)?;
    let endless = TextPlugin::new("endless").process(&format!("{FOR_EVER} unreachable"));
    let written = fs::write(folder.join("echo.wasm"), endless.build());
    written.map_err(|error| error.to_string())?;
    let mut child = command(folder, LINES)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    wait_for(&folder.join("out/o.txt.part.json"), &mut child)?;
    let killed = child.kill().and_then(|()| child.wait());
    killed.map_err(|error| error.to_string())?;
    let (path, outside) = (folder.join("out").join(name), folder.join("outside"));
    fs::rename(&path, &outside).map_err(|error| error.to_string())?;
    let before = fs::read(&outside).map_err(|error| error.to_string())?;
    link(Path::new("../outside"), &path)?;
    let ran = run(folder, &[LINES, &["--resume"]].concat())?;
    ran.judge(2, 512)?;
    match fs::read(&outside) {
        Ok(after) if after == before => {}
        _ => return Err("what the link leads to was changed".to_owned()),
    }
    match ran.stderr.text.contains("is not opened") {
        true => Ok(()),
        false => Err(format!("it does not say why: {}", ran.stderr.text)),
    }
}

/// Waits until the program has made a file.
fn wait_for(path: &Path, child: &mut Child) -> Result<(), String> {
    let start = Instant::now();
    while fs::metadata(path).map_or(true, |file| file.len() == 0 && path.ends_with("json")) {
        if start.elapsed() > PATIENCE || !matches!(child.try_wait(), Ok(None)) {
            let _ = child.kill();
            return Err(format!("`{}` was not made", path.display()));
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// A link to a file outside of the output's folder, which is not there.
fn symbolic(path: &Path) -> Result<(), String> {
    link(Path::new("../escaped"), path)
}

/// Another name of a file that is there.
fn hard(path: &Path) -> Result<(), String> {
    let victim = path.with_file_name("victim");
    fs::hard_link(victim, path).map_err(|error| error.to_string())
}

#[cfg(unix)]
fn link(to: &Path, from: &Path) -> Result<(), String> {
    std::os::unix::fs::symlink(to, from).map_err(|error| error.to_string())
}

#[cfg(not(unix))]
fn link(_to: &Path, _from: &Path) -> Result<(), String> {
    Err("links need a privilege here".to_owned())
}

/// A folder with input, a folder for the output that holds a victim, and a file
/// outside of it.
fn prepare(folder: &Path) -> Result<(), String> {
    let out = folder.join("out");
    let made = fs::create_dir_all(&out)
        .and_then(|()| fs::write(folder.join("in.txt"), "line 1\nline 2\n"))
        .and_then(|()| {
            fs::write(
                folder.join("in.parquet"),
                crate::rows::data::results::parquet(1, 1),
            )
        })
        .and_then(|()| fs::write(folder.join("echo.wasm"), TextPlugin::new("echo").build()))
        .and_then(|()| fs::write(out.join("victim"), "victim"));
    made.map_err(|error| error.to_string())
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
