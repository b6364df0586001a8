//! `kumiki run --whole`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;
use test_components::TextPlugin;
use test_components::guests::artifacts;

pub(crate) type Case = fn(&Program) -> Result<(), Failed>;

pub(crate) const CASES: [(&str, Case); 17] = [
    ("ends a chain though its input is silent", silent_input),
    ("has limits on its output and its total time", limits),
    ("transforms a file", file),
    ("transforms the files of a folder", folder),
    ("goes on after a file of a folder that fails", failing_file),
    ("never writes over its inputs", own_inputs),
    ("protects its output folder", own_folder),
    ("transforms standard input", stdin),
    (
        "transforms several files, one after the other",
        several_files,
    ),
    ("is chained with a plugin that processes records", chain),
    (
        "keeps the part of an output file that is incomplete",
        incomplete,
    ),
    ("ends a chain if one of its plugins fails", broken_chain),
    ("reads and writes compressed files", compressed),
    ("may end before a chain has read everything", early_end),
    ("ends a chain whose output cannot be written", full_disk),
    ("writes tables' names as plain text", table_name),
    ("is the only plugin for a text, or in a chain", usage),
];

/// The program, in a folder with a guest and a text.
pub(crate) struct Program {
    folder: tempfile::TempDir,
    guest: PathBuf,
}

impl Program {
    pub(crate) fn new(guest: &Path) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("in.txt"), "Grüße,\nWelt\n")?;
        fs::write(
            folder.path().join("echo.wasm"),
            TextPlugin::new("echo").build(),
        )?;
        Ok(Self {
            folder,
            guest: guest.to_owned(),
        })
    }

    /// Runs `kumiki run --whole` with the guest.
    fn run(&self, arguments: &[&str], input: &str) -> Result<Output, Failed> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kumiki"))
            .current_dir(self.folder.path())
            .env("KUMIKI_CACHE", artifacts())
            .args(["run", "--whole", "-p"])
            .arg(&self.guest)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // A program that does not read it may have ended.
        let _ = child
            .stdin
            .take()
            .map(|mut stdin| stdin.write_all(input.as_bytes()));
        Ok(child.wait_with_output()?)
    }

    /// Checks the exit code, the output, and a part of the messages.
    fn expect(
        &self,
        (arguments, input): (&[&str], &str),
        (code, output, message): (i32, &str, &str),
    ) -> Result<(), Failed> {
        let found = self.run(arguments, input)?;
        let stderr = String::from_utf8_lossy(&found.stderr);
        let is_expected = found.status.code() == Some(code)
            && found.stdout == output.as_bytes()
            && stderr.contains(message);
        match is_expected {
            true => Ok(()),
            false => Err(format!("{found:?}").into()),
        }
    }

    fn contents(&self, file: &str) -> Result<String, Failed> {
        Ok(fs::read_to_string(self.folder.path().join(file))?)
    }
}

fn file(program: &Program) -> Result<(), Failed> {
    program.expect(
        (&["in.txt"], ""),
        (0, "GRüßE,\nWELT\n", "1 text through 1 plugin"),
    )
}

/// No plugin may change the folder, and links in it are not followed.
fn own_folder(program: &Program) -> Result<(), Failed> {
    create(program, &[("sub/a", b"a")])?;
    for grant in ["out::/e:rw", "out/sub::/e:rw", ".::/e:rw"] {
        fs::create_dir_all(program.folder.path().join("out/sub"))?;
        let arguments = ["--output-folder", "out", "--allow-dir", grant, "in"];
        program.expect((&arguments, ""), (2, "", "would let plugins change"))?;
    }
    #[cfg(unix)]
    {
        let at = |path: &str| program.folder.path().join(path);
        fs::create_dir_all(at("linked"))?;
        fs::create_dir_all(at("elsewhere"))?;
        std::os::unix::fs::symlink("../elsewhere", at("linked/sub"))?;
        let arguments = ["--output-folder", "linked", "in"];
        program.expect((&arguments, ""), (2, "", "cannot write `linked/sub`"))?;
        if at("elsewhere/a").exists() {
            return Err("a link was followed".into());
        }
    }
    Ok(())
}

fn stdin(program: &Program) -> Result<(), Failed> {
    program.expect((&["-q"], "abc"), (0, "ABC", ""))
}

fn several_files(program: &Program) -> Result<(), Failed> {
    program.expect(
        (&["in.txt", "in.txt"], ""),
        (0, "GRüßE,\nWELT\nGRüßE,\nWELT\n", "2 texts"),
    )
}

/// Creates a folder with these files.
fn create(program: &Program, files: &[(&str, &[u8])]) -> Result<(), Failed> {
    fs::create_dir_all(program.folder.path().join("in/sub"))?;
    for (name, content) in files {
        fs::write(program.folder.path().join("in").join(name), content)?;
    }
    Ok(())
}

fn folder(program: &Program) -> Result<(), Failed> {
    let texts: Vec<_> = (0..30).map(|text| format!("text {text}")).collect();
    let names: Vec<_> = (0..30).map(|file| format!("sub/{file}.txt")).collect();
    let files: Vec<_> = (names.iter().zip(&texts))
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    create(program, &files)?;
    let arguments = ["--output-folder", "out", "-j", "4", "in", "in.txt"];
    program.expect((&arguments, ""), (0, "", "31 texts through 1 plugin"))?;
    for (name, text) in names.iter().zip(&texts) {
        let found = program.contents(&format!("out/{name}"))?;
        if found != text.to_uppercase() {
            return Err(format!("{name}: {found}").into());
        }
    }
    match program.contents("out/in.txt")?.as_str() {
        "GRüßE,\nWELT\n" => Ok(()),
        found => Err(found.into()),
    }
}

fn failing_file(program: &Program) -> Result<(), Failed> {
    create(program, &[("a", b"a"), ("b", b"b\xff"), ("c", b"c")])?;
    let message = "in/b: cannot read the input of `stream-c`";
    let arguments = ["--output-folder", "out", "-j", "1", "in"];
    program.expect((&arguments, ""), (1, "", message))?;
    let complete = program.contents("out/a")? + &program.contents("out/c")?;
    let is_incomplete = program.contents("out/b").is_err();
    // A later run replaces what is incomplete.
    create(program, &[("b", b"b")])?;
    program.expect((&arguments, ""), (0, "", "3 texts through 1 plugin"))?;
    if program.contents("out/b")? != "B" {
        return Err("the file that failed is not complete".into());
    }
    match complete == "AC" && is_incomplete {
        true => Ok(()),
        false => Err(complete.into()),
    }
}

fn own_inputs(program: &Program) -> Result<(), Failed> {
    create(program, &[("a", b"a"), ("sub/a", b"b")])?;
    for (arguments, message) in [
        (["in", "in"], "would be overwritten"),
        (["in/../in", "in"], "would be overwritten"),
        (["in/sub", "in/sub/../sub"], "would be overwritten"),
    ] {
        let [folder, input] = arguments;
        let arguments = ["--output-folder", folder, input];
        program.expect((&arguments, ""), (2, "", message))?;
    }
    let both = ["--output-folder", "out", "in/a", "in/sub/a"];
    program.expect((&both, ""), (2, "", "would both be written to `out/a`"))?;
    // Nor over an input that is read for another output.
    create(program, &[("sub/b", b"b")])?;
    fs::create_dir_all(program.folder.path().join("results/sub"))?;
    fs::write(program.folder.path().join("results/sub/b"), "c")?;
    let other = ["--output-folder", "results", "in", "results/sub/b"];
    program.expect((&other, ""), (2, "", "would be overwritten"))?;
    // Nor into a file.
    let file = ["--output-folder", "in.txt", "in"];
    program.expect((&file, ""), (2, "", "`in.txt` is a file, not a folder"))?;
    let stream = ["--output-folder", "-", "in"];
    program.expect((&stream, ""), (2, "", "`-` is not a valid output folder"))?;
    // Nor over its plugin or its settings.
    fs::copy(&program.guest, program.folder.path().join("plugin.wasm"))?;
    create(
        program,
        &[("plugin.wasm", b"text"), ("limits.toml", b"text")],
    )?;
    fs::write(program.folder.path().join("limits.toml"), "[limits]\n")?;
    let limits = [
        "--limits",
        "limits.toml",
        "--output-folder",
        ".",
        "in/limits.toml",
    ];
    program.expect((&limits, ""), (2, "", "would be overwritten"))?;
    let plugin = [
        "--chain",
        "-p",
        "plugin.wasm",
        "--output-folder",
        ".",
        "in/plugin.wasm",
    ];
    program.expect((&plugin, ""), (2, "", "would be overwritten"))?;
    // Nor over an input with the name of an incomplete output.
    fs::write(program.folder.path().join("results/sub/b.part"), "c")?;
    let part = ["--output-folder", "results", "in", "results/sub/b.part"];
    program.expect((&part, ""), (2, "", "would be overwritten"))?;
    create(program, &[("b", b"b"), ("b.part", b"c")])?;
    let parts = ["--output-folder", "out", "in/b.part", "in/b"];
    let message = "`in/b` and `in/b.part` would both be written to `out/b.part`";
    program.expect((&parts, ""), (2, "", message))?;
    match (program.contents("in/a")? + &program.contents("in/sub/a")?).as_str() {
        "ab" => Ok(()),
        found => Err(found.into()),
    }
}

fn chain(program: &Program) -> Result<(), Failed> {
    let chain = ["--chain", "-p", "echo.wasm", "-O", "out.txt", "in.txt"];
    program.expect((&chain, ""), (0, "", "1 text through 2 plugins"))?;
    match program.contents("out.txt")?.as_str() {
        "GRüßE,\nWELT\n" => Ok(()),
        found => Err(found.into()),
    }
}

fn incomplete(program: &Program) -> Result<(), Failed> {
    let arguments = ["-c", "mode=trap later", "-O", "out.txt", "in.txt"];
    let message = "the output is incomplete; it is in `out.txt.part`";
    program.expect((&arguments, ""), (1, "", message))?;
    let is_there = program.folder.path().join("out.txt").exists();
    match program.contents("out.txt.part")?.as_str() {
        "some" if !is_there => Ok(()),
        found => Err(found.into()),
    }
}

fn broken_chain(program: &Program) -> Result<(), Failed> {
    let arguments = [
        "-c",
        "mode=error first",
        "--chain",
        "-p",
        "echo.wasm",
        "in.txt",
    ];
    let message = "`stream-c` returned an error: unsupported-format";
    program.expect((&arguments, ""), (1, "", message))?;
    // The next plugin does not take a part for the whole.
    fs::write(program.folder.path().join("invalid.txt"), b"a\xff")?;
    let arguments = ["--chain", "-p", "echo.wasm", "invalid.txt"];
    program.expect((&arguments, ""), (1, "", "it is not UTF-8 from byte 1 on"))
}

/// The last plugin fails at once, while the first one waits for its input.
fn silent_input(program: &Program) -> Result<(), Failed> {
    for (mode, code, output) in [("error first", 1, ""), ("first word", 0, "word")] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kumiki"))
            .current_dir(program.folder.path())
            .env("KUMIKI_CACHE", artifacts())
            .args(["run", "--whole", "--chain", "-p", "echo.wasm", "-p"])
            .arg(&program.guest)
            .args(["-c", &format!("mode={mode}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // Stays open until the program has ended.
        let silent = child.stdin.take();
        let ended = child.wait_with_output()?;
        drop(silent);
        if ended.status.code() != Some(code) || ended.stdout != output.as_bytes() {
            return Err(format!("{mode}: {ended:?}").into());
        }
    }
    Ok(())
}

fn limits(program: &Program) -> Result<(), Failed> {
    for (limit, reached) in [
        (["--stream-output-limit", "1MiB"], "1 MiB of output"),
        (
            ["--stream-growth-limit", "9"],
            "9 bytes of output for each byte",
        ),
        (["--total-time-limit", "300ms"], "total time of 300ms"),
    ] {
        let [flag, value] = limit;
        let arguments = ["-c", "mode=endless", "-O", "out.txt", flag, value, "in.txt"];
        let message = format!("`stream-c` exceeded its limit in `transform`: {reached}");
        program.expect((&arguments, ""), (1, "", &message))?;
        let part = program.folder.path().join("out.txt.part");
        let written = fs::metadata(&part)?.len();
        // A chunk that exceeds the limit is not written.
        if flag.starts_with("--stream") && written > 1 << 20 {
            return Err(format!("{flag}: {written} bytes").into());
        }
        fs::remove_file(part)?;
    }
    Ok(())
}

/// A chain whose first plugin writes more than a pipe holds, and whose last one is the
/// guest.
fn long_chain(program: &Program) -> Result<Command, Failed> {
    fs::write(
        program.folder.path().join("long.txt"),
        "long ".repeat(200_000),
    )?;
    let mut chain = Command::new(env!("CARGO_BIN_EXE_kumiki"));
    chain
        .current_dir(program.folder.path())
        .env("KUMIKI_CACHE", artifacts())
        .args(["run", "--whole", "--chain", "-p", "echo.wasm", "-p"])
        .arg(&program.guest)
        .arg("long.txt");
    Ok(chain)
}

fn early_end(program: &Program) -> Result<(), Failed> {
    let mut chain = long_chain(program)?;
    let output = chain.args(["-c", "mode=first word", "long.txt"]).output()?;
    match output.status.code() == Some(0) && output.stdout == b"wordword" {
        true => Ok(()),
        false => Err(format!("{output:?}").into()),
    }
}

#[cfg(target_os = "linux")]
fn full_disk(program: &Program) -> Result<(), Failed> {
    let mut chain = long_chain(program)?;
    let output = chain
        .stdout(fs::File::create("/dev/full")?)
        .stderr(Stdio::piped())
        .spawn()?
        .wait_with_output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    match output.status.code() == Some(1) && stderr.contains("cannot write the results") {
        true => Ok(()),
        false => Err(format!("{output:?}").into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn full_disk(_: &Program) -> Result<(), Failed> {
    Ok(())
}

fn table_name(program: &Program) -> Result<(), Failed> {
    program.expect((&["-O", "out.csv", "in.txt"], ""), (0, "", ""))?;
    match program.contents("out.csv")?.as_str() {
        "GRüßE,\nWELT\n" => Ok(()),
        found => Err(found.into()),
    }
}

fn compressed(program: &Program) -> Result<(), Failed> {
    program.expect((&["-O", "out.gz", "in.txt"], ""), (0, "", ""))?;
    program.expect((&["out.gz"], ""), (0, "GRüßE,\nWELT\n", ""))
}

fn usage(program: &Program) -> Result<(), Failed> {
    let message = "2 plugins give one result each for a whole text";
    program.expect((&["-p", "echo.wasm", "in.txt"], ""), (2, "", message))?;
    let message = "the argument '--whole' cannot be used with";
    program.expect((&["--field", "text", "in.txt"], ""), (2, "", message))
}
