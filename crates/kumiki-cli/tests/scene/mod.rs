//! Helpers for the tests of the program: a folder to work in, runs of the program in
//! it, and snapshots of its output.
//!
//! To accept an intended change, run `INSTA_UPDATE=always cargo test --workspace
//! --test run` (or another test), and read the diff.

#![allow(dead_code, reason = "no test needs all of it")]

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use test_components::{ECHO, TextPlugin, error};

/// A temporary folder with plugins and files, in which the program runs.
pub(crate) struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// A folder with the plugins `echo` and `picky`, which refuses empty records.
    pub(crate) fn with_plugins() -> Self {
        let picky = TextPlugin::new("picky").process(&format!(
            "(if (i32.eqz (local.get $length)) (then {} (return))) {ECHO}",
            error(0)
        ));
        Self::new()
            .plugin("plugins/echo.wasm", &TextPlugin::new("echo"))
            .plugin("plugins/picky.wasm", &picky)
    }

    pub(crate) fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is created");
        std::fs::write(path, contents).expect("the file is writable");
        self
    }

    pub(crate) fn plugin(self, name: &str, plugin: &TextPlugin) -> Self {
        self.file(name, plugin.build())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Reads a file, and decompresses all parts of a compressed one.
    pub(crate) fn contents(&self, name: &str) -> Vec<u8> {
        let bytes = std::fs::read(self.path(name)).expect("the file exists");
        let mut contents = Vec::new();
        match name.rsplit_once('.') {
            Some((_, "gz")) => {
                let mut reader = flate2::read::MultiGzDecoder::new(&bytes[..]);
                reader.read_to_end(&mut contents).expect("a complete file");
            }
            Some((_, "zst")) => contents = zstd::decode_all(&bytes[..]).expect("a complete file"),
            _ => contents = bytes,
        }
        contents
    }

    /// The program in this folder, without a terminal, without tools, and independent of
    /// the environment of the tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kumiki"));
        for name in [
            "NO_COLOR",
            "CLICOLOR_FORCE",
            "KUMIKI_RUST",
            "KUMIKI_WORK",
            "WASI_SDK_PATH",
        ] {
            command.env_remove(name);
        }
        command
            .current_dir(self.folder.path())
            .env("KUMIKI_TOOLS", self.path("tools"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("user-cache"))
            .env("KUMIKI_CACHE", "off")
            .args(arguments);
        command
    }

    /// Like [`Scene::command`], with the compile cache in the folder `artifacts`.
    pub(crate) fn command_with_cache(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("KUMIKI_CACHE", self.path("artifacts"));
        command
    }

    /// Like [`Scene::run`], with the compile cache in the folder `artifacts`.
    pub(crate) fn run_with_cache(&self, arguments: &[&str]) -> String {
        self.finish(self.command_with_cache(arguments), b"")
    }

    /// The files of that cache with this extension.
    pub(crate) fn cached(&self, extension: &str) -> Vec<PathBuf> {
        let Ok(files) = std::fs::read_dir(self.path("artifacts")) else {
            return Vec::new();
        };
        let paths = files.map(|file| file.expect("a file").path());
        paths
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .collect()
    }

    /// Runs the program with empty standard input; returns its exit code and output.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.run_with(arguments, b"")
    }

    /// Like [`Scene::run`], with `input` on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> String {
        self.finish(self.command(arguments), input)
    }

    /// Like [`Scene::run`], with the command line as the first line.
    pub(crate) fn transcript(&self, arguments: &[&str]) -> String {
        format!("kumiki {}\n{}", arguments.join(" "), self.run(arguments))
    }

    /// Runs a command to its end. Returns its exit code and output, without this
    /// folder's path.
    pub(crate) fn finish(&self, mut command: Command, input: &[u8]) -> String {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // The program may have ended without reading its input.
        let _ = child.stdin.take().expect("a pipe").write_all(input);
        let output = child.wait_with_output().expect("the program ends");
        let text = format!(
            "exit code: {}\n--- standard output\n{}--- standard error\n{}",
            output
                .status
                .code()
                .map_or("none".into(), |code| code.to_string()),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        text.replace(&self.folder.path().display().to_string(), "[FOLDER]")
    }
}

/// Compares with the stored snapshot, without times.
macro_rules! snapshot {
    ($text:expr) => {
        insta::with_settings!({
            filters => vec![
                (r" +[\d.]+ (µs|ms|s)  ", " [TIME]  "),
                (r" +[\d.]+(ns|µs|ms|s)  ", " [TIME]  "),
                (r"\d+\.\d\d s", "[TIME]"),
                // Not every system has a sandbox.
                (r"sandbox: .*\n", ""),
            ],
            omit_expression => true,
        }, { insta::assert_snapshot!($text) })
    };
}
pub(crate) use snapshot;

/// Peak memory of a process so far, in KiB.
#[cfg(target_os = "linux")]
pub(crate) fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
