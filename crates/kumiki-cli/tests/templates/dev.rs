//! `kumiki dev`, the real program on real projects: each change of a source shows its
//! results, until an interrupt.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use kumiki_build::Toolchain;
use libtest_mimic::Failed;

use crate::Killed;
use crate::scene::Scene;

/// How long to wait for a line. The first build of a toolchain can compile its libc.
const PATIENCE: Duration = Duration::from_secs(180);

/// The languages of the test, with their source file and two changes of it: one that
/// joins words with another character, and one that traps on the record `one`.
fn changes(language: Toolchain) -> (&'static str, [(&'static str, &'static str); 2]) {
    match language {
        Toolchain::Rust => (
            "src/lib.rs",
            [
                ("join(\" \")", "join(\"_\")"),
                ("let words", "assert_ne!(input, \"one\"); let words"),
            ],
        ),
        Toolchain::C => (
            "plugin.c",
            [
                ("to->len++] = ' '", "to->len++] = '_'"),
                (
                    "size_t words = 0;",
                    "size_t words = 0; if (len == 3) __builtin_trap();",
                ),
            ],
        ),
        _ => (
            "plugin.js",
            [
                ("join(\" \")", "join(\"_\")"),
                (
                    "const words",
                    "if (input === \"one\") throw new Error(\"no\"); const words",
                ),
            ],
        ),
    }
}

/// A change, a broken source, a trap and the original source again.
pub(crate) fn changes_are_shown(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    scene.run_ok(&["new", "tidy", "--lang", language.name()])?;
    let (source, [join, trap]) = changes(language);
    let source = Source::new(scene.folder.join("tidy").join(source))?;
    let mut dev = Dev::start(&scene, &["dev", "tidy"])?;
    dev.until("`some text`  [words=2]")?;
    dev.until("all 5 cases passed; 5 records; ")?;
    dev.until("press Ctrl-C to stop")?;

    source.change(join)?;
    dev.until("- `some text`")?;
    dev.until("+ `some_text`")?;
    dev.until("FAILED  expected `some text` with words=2, got `some_text`")?;
    dev.until("2 of 5 cases failed; 5 records, 2 changed; ")?;

    source.write("this is not a program }")?;
    dev.until(match language {
        Toolchain::JavaScript => "plugin.js:1:6: SyntaxError: ",
        _ => "failed (exit status",
    })?;
    dev.until("still using the last plugin that was built; waiting for the next change")?;

    // Compared with the results of the last build that worked.
    source.change(("", ""))?;
    dev.until("- `some_text`")?;
    dev.until("+ `some text`")?;
    dev.until("all 5 cases passed; 5 records, 2 changed; ")?;

    source.change(trap)?;
    dev.until("- `one`")?;
    dev.until("+ error: trap")?;
    dev.until("error: tidy/tests.jsonl:2: `tidy` ")?;
    dev.until("1 of 5 cases failed; 5 records, 1 changed; ")?;
    let traps = dev.seen.lines().filter(|line| line.contains("`tidy` "));
    let traps = traps.filter(|line| line.contains("tests.jsonl:2") || line.contains("FAILED"));
    assert_eq!(traps.count(), 1, "{}", dev.seen);
    dev.interrupt()
}

/// A file of records is run again when it changes, also while the source is broken.
pub(crate) fn sample_is_run_again(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    scene.run_ok(&["new", "tidy", "--lang", language.name()])?;
    std::fs::write(scene.folder.join("tidy/tests.jsonl"), "")?;
    let sample = Source::new(scene.folder.join("sample.txt"))?;
    sample.write(" a  b \n\n")?;
    let mut dev = Dev::start(&scene, &["dev", "tidy", "sample.txt"])?;
    dev.until("sample.txt:1  ` a  b `")?;
    dev.until("sample.txt:2  ``")?;
    dev.until("error: invalid-input")?;
    dev.until("2 records; ")?;

    let (source, _) = changes(language);
    let source = Source::new(scene.folder.join("tidy").join(source))?;
    source.write("this is not a program }")?;
    dev.until("still using the last plugin that was built")?;
    sample.write("new  text\n a  b \n\n")?;
    dev.until("sample.txt changed")?;
    dev.until("sample.txt:1  `new  text`")?;
    // No build: the source is still broken.
    dev.until("3 records, 1 new; ")?;
    sample.write(&"many\n".repeat(1200))?;
    dev.until("only the first records of sample.txt are run")?;
    dev.until("1000 records; ")?;
    dev.interrupt()
}

/// A build that writes its own sources. Each round has results all the same, and the
/// file is named; a source folder that is replaced stays watched.
pub(crate) fn builds_may_write_sources(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    scene.run_ok(&["new", "tidy", "--lang", language.name()])?;
    let folder = scene.folder.join("tidy");
    let program = |content: &str| {
        format!("fn main() {{ std::fs::write(\"src/own.txt\", {content}).unwrap() }}")
    };
    let now = "format!(\"{:?}\", std::time::SystemTime::now())";
    std::fs::write(folder.join("build.rs"), program(now))?;
    let mut dev = Dev::start(&scene, &["dev", "tidy"])?;
    for _ in 0..5 {
        dev.until("all 5 cases passed; 5 records")?;
    }
    dev.until("`src/own.txt` has changed during several builds in a row")?;

    std::fs::write(folder.join("build.rs"), program("\"same\""))?;
    dev.until("build.rs changed")?;
    std::fs::rename(folder.join("src"), folder.join("moved"))?;
    dev.until("failed (exit status")?;
    std::fs::rename(folder.join("moved"), folder.join("src"))?;
    dev.until("all 5 cases passed; 5 records, none changed")?;
    let (source, [join, _]) = changes(language);
    Source::new(folder.join(source))?.change(join)?;
    dev.until("2 of 5 cases failed; 5 records, 2 changed; ")?;
    dev.interrupt()
}

/// A signal to the program alone also ends its tools and their children, even those that
/// ignore it.
pub(crate) fn tools_end_with_the_program(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    scene.run_ok(&["new", "tidy", "--lang", language.name()])?;
    let started = scene.folder.join("started");
    let shell = format!(
        "trap '' INT TERM; echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600",
        started.display()
    );
    let script = format!(
        "fn main() {{ std::process::Command::new(\"sh\").args([\"-c\", {shell:?}]).status().unwrap(); }}"
    );
    std::fs::write(scene.folder.join("tidy/build.rs"), script)?;
    for (arguments, signal, code) in [
        (&["dev", "tidy"][..], "-INT", 0),
        (&["dev", "tidy"], "-TERM", 143),
        (&["build", "tidy"], "-INT", 130),
        (&["build", "tidy", "--watch"], "-TERM", 143),
    ] {
        let _ = std::fs::remove_file(&started);
        let mut dev = Dev::start(&scene, arguments)?;
        let deadline = Instant::now() + PATIENCE;
        while !started.exists() {
            let is_running = dev.child.0.try_wait()?.is_none();
            assert!(is_running && Instant::now() < deadline, "{arguments:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        let id = dev.child.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status()?.success());
        let status = dev.child.0.wait()?;
        assert_eq!(status.code(), Some(code), "{arguments:?} {signal}");
        let child = std::fs::read_to_string(&started)?;
        let mut state = Command::new("ps");
        state.args(["-o", "stat=", "-p", child.trim()]);
        let state = String::from_utf8(state.output()?.stdout)?;
        // Its entry may stay until the first process of the system removes it.
        let is_gone = state.trim().is_empty() || state.starts_with('Z');
        assert!(is_gone, "{arguments:?} {signal}: {state}");
    }
    Ok(())
}

/// A plugin that requests access that is not granted does not run; without the request it
/// does.
pub(crate) fn requests_are_checked(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    scene.run_ok(&["new", "tidy", "--lang", language.name()])?;
    let manifest = Source::new(scene.folder.join("tidy/kumiki.toml"))?;
    let requests = "\n[requests.env]\nTIDY = 'how to tidy'\n";
    manifest.write(&(manifest.original.clone() + requests))?;
    let mut dev = Dev::start(&scene, &["dev", "tidy", "--text", " a "])?;
    dev.until("`tidy/tidy.wasm` requests access that is not granted")?;
    dev.until("hint: allow all of it with `--allow-requested`")?;
    manifest.change(("", ""))?;
    dev.until("--text  ` a `")?;
    dev.until("`a`  [words=1]")?;
    dev.until("all 5 cases passed; 1 record; ")?;
    dev.interrupt()?;

    manifest.write(&(manifest.original.clone() + requests))?;
    let allowed = ["dev", "tidy", "--text", " a ", "--allow-requested"];
    let mut dev = Dev::start(&scene, &allowed)?;
    dev.until("allowed to `tidy/tidy.wasm`: TIDY")?;
    dev.until("all 5 cases passed; 1 record; ")?;
    dev.interrupt()
}

/// A project of another contract is built, and nothing is run.
pub(crate) fn other_contract_is_built(language: Toolchain) -> Result<(), Failed> {
    let scene = Scene::new(language.name())?;
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rater.wit");
    let wit = wit.display().to_string();
    let lang = ["--lang", language.name()];
    let new = ["new", "rater", "--wit", &wit, "--world", "rater"];
    scene.run_ok(&[&new[..], &lang].concat())?;
    let mut dev = Dev::start(&scene, &["dev", "rater"])?;
    dev.until("`kumiki dev` runs only text plugins")?;
    dev.until("rater/rater.wasm: ")?;
    let (source, _) = changes(language);
    let source = scene.folder.join("rater").join(source);
    let text = std::fs::read_to_string(&source)?;
    std::fs::write(&source, text + "\n// changed\n")?;
    dev.until("rater/rater.wasm: ")?;
    dev.interrupt()
}

/// A file and its first contents.
struct Source {
    path: PathBuf,
    original: String,
}

impl Source {
    fn new(path: PathBuf) -> Result<Self, Failed> {
        let original = match path.exists() {
            true => std::fs::read_to_string(&path)?,
            false => String::new(),
        };
        Ok(Self { path, original })
    }

    /// Writes the original with one text replaced.
    fn change(&self, (from, to): (&str, &str)) -> Result<(), Failed> {
        assert!(self.original.contains(from), "no `{from}`");
        self.write(&self.original.replacen(from, to, 1))
    }

    fn write(&self, text: &str) -> Result<(), Failed> {
        Ok(std::fs::write(&self.path, text)?)
    }
}

/// The running program and the lines of its output.
struct Dev {
    child: Killed,
    lines: Receiver<String>,
    /// The lines of one stream can come before those of the other.
    unread: Vec<String>,
    seen: String,
}

impl Dev {
    fn start(scene: &Scene, arguments: &[&str]) -> Result<Self, Failed> {
        let mut command: Command = scene.command(arguments);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut child = Killed(child);
        let (sender, lines) = channel();
        send_lines(child.0.stdout.take(), sender.clone());
        send_lines(child.0.stderr.take(), sender);
        Ok(Self {
            child,
            lines,
            unread: Vec::new(),
            seen: String::new(),
        })
    }

    /// Waits for a line that contains `words`, on either stream.
    fn until(&mut self, words: &str) -> Result<(), Failed> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(place) = self.unread.iter().position(|line| line.contains(words)) {
                self.unread.remove(place);
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                return Err(format!("no line with `{words}` in:\n{}", self.seen).into());
            };
            self.seen += &line;
            self.seen += "\n";
            self.unread.push(line);
        }
    }

    /// Sends SIGINT; the program must end with exit code 0.
    fn interrupt(mut self) -> Result<(), Failed> {
        let id = self.child.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status()?.success());
        let status = self.child.0.wait()?;
        match status.code() {
            Some(0) => Ok(()),
            _ => Err(format!("{status}, after:\n{}", self.seen).into()),
        }
    }
}

fn send_lines(stream: Option<impl Read + Send + 'static>, sender: Sender<String>) {
    let lines = stream
        .into_iter()
        .flat_map(|stream| BufReader::new(stream).lines());
    let lines: Box<dyn Iterator<Item = _> + Send> = Box::new(lines);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
}
