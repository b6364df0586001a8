//! Processes that a row starts: the program, or this test as something else.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use test_components::TextPlugin;

/// How long a process may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of what it writes is kept, in bytes.
const WRITTEN: u64 = 1 << 20;

/// What came of a process.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The most memory that it held, in bytes; 0 where the system does not say.
    pub(crate) peak: usize,
}

impl Ended {
    /// Fails unless it ended with this code and wrote this to standard error.
    pub(crate) fn expect(&self, code: i32, stderr: &str) -> Result<(), String> {
        match self.code == Some(code) && self.stderr.contains(stderr) {
            true => Ok(()),
            false => Err(format!(
                "expected exit code {code} and `{stderr}`: {self:?}"
            )),
        }
    }

    /// Fails where it held more than this.
    pub(crate) fn within(&self, mebibytes: usize) -> Result<(), String> {
        match self.peak >> 20 {
            peak if peak <= mebibytes => Ok(()),
            peak => Err(format!("it held {peak} MiB, over {mebibytes}")),
        }
    }
}

/// A process that runs.
pub(crate) struct Running {
    child: Child,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

/// Starts a command, with nothing to read.
pub(crate) fn start(command: &mut Command) -> Result<Running, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(text)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    Ok(Running {
        stdout: thread::spawn(move || read(stdout)),
        stderr: thread::spawn(move || read(stderr)),
        child,
    })
}

impl Running {
    /// Waits for its end, but not for ever.
    pub(crate) fn end(mut self) -> Result<Ended, String> {
        let start = Instant::now();
        let mut peak = 0;
        let status = loop {
            peak = peak.max(held(self.child.id()));
            if let Some(status) = self.child.try_wait().map_err(text)? {
                break status;
            }
            if start.elapsed() > PATIENCE {
                self.child.kill().map_err(text)?;
                return Err(format!("it has not ended after {PATIENCE:?}"));
            }
            thread::sleep(Duration::from_millis(2));
        };
        let written = |thread: JoinHandle<String>| thread.join().unwrap_or_default();
        Ok(Ended {
            code: status.code(),
            stdout: written(self.stdout),
            stderr: written(self.stderr),
            peak,
        })
    }
}

/// Starts a command and waits for its end.
pub(crate) fn run(command: &mut Command) -> Result<Ended, String> {
    start(command)?.end()
}

fn read(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(WRITTEN).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The most memory that a process has held so far, in bytes.
fn held(id: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    kibibytes.unwrap_or(0_usize) * 1024
}

/// A folder for a row: `inside` is where the program runs, `outside` is not its
/// business.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(text)?;
        for name in ["inside", "outside"] {
            std::fs::create_dir(folder.path().join(name)).map_err(text)?;
        }
        let place = Self { folder };
        place.write("outside/secret", SECRET)?;
        Ok(place)
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), String> {
        std::fs::write(self.path(name), bytes).map_err(text)
    }

    pub(crate) fn plugin(&self, name: &str, plugin: &TextPlugin) -> Result<(), String> {
        self.write(name, plugin.build())
    }

    /// The program in `inside`, without a cache and this machine's settings.
    pub(crate) fn kumiki(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kumiki"));
        command
            .current_dir(self.path("inside"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("KUMIKI_CACHE", "off")
            .args(arguments);
        command
    }
}

/// What the secret file holds.
pub(crate) const SECRET: &str = "what nobody was granted\n";

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
