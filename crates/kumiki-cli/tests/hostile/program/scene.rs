//! The real program, run in a folder of its own.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a run may take: longer than anything that Kumiki waits for.
const PATIENCE: Duration = Duration::from_secs(90);

/// A folder to work in, with caches and settings of its own beside it.
pub(crate) struct Scene {
    root: tempfile::TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// None where it was ended by a signal, or had to be.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Scene {
    pub(crate) fn new() -> Result<Self, String> {
        let scene = Self {
            root: tempfile::tempdir().map_err(told)?,
        };
        for folder in ["work", "outside", "config/kumiki", "cache"] {
            std::fs::create_dir_all(scene.path(folder)).map_err(told)?;
        }
        Ok(scene)
    }

    /// A path beside `work`, which the program runs in.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        // Without links, as the program shows paths.
        let root = self.root.path();
        root.canonicalize()
            .unwrap_or_else(|_| root.to_owned())
            .join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), String> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(told)?;
        std::fs::write(path, bytes).map_err(told)
    }

    pub(crate) fn folder(&self, name: &str) -> Result<(), String> {
        std::fs::create_dir_all(self.path(name)).map_err(told)
    }

    /// A symbolic link at `name` to `target`, as it is written.
    #[cfg(unix)]
    pub(crate) fn link(&self, target: impl AsRef<Path>, name: &str) -> Result<(), String> {
        std::os::unix::fs::symlink(target, self.path(name)).map_err(told)
    }

    /// What a folder holds, in order.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).into_iter().flatten();
        let mut names: Vec<_> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kumiki"));
        command
            .current_dir(self.path("work"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env_remove("KUMIKI_CACHE")
            .env_remove("KUMIKI_WORK")
            .env_remove("KUMIKI_TOOLS")
            .env_remove("WASI_SDK_PATH");
        command
    }

    /// Runs the program with these arguments, parted by spaces.
    pub(crate) fn kumiki(&self, arguments: &str) -> Result<Ran, String> {
        let mut command = self.command();
        command.args(arguments.split(' '));
        run(command)
    }
}

/// Runs a command to its end, or ends it.
pub(crate) fn run(mut command: Command) -> Result<Ran, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(told)?;
    let (stdout, stderr) = (read(child.stdout.take()), read(child.stderr.take()));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(told)? {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().map_err(told)?;
            child.wait().map_err(told)?;
            return Err(format!("it has not ended after {PATIENCE:?}"));
        }
        thread::sleep(Duration::from_millis(2));
    };
    let text = |reader: thread::JoinHandle<String>| reader.join().unwrap_or_default();
    Ok(Ran {
        code: status.code(),
        stdout: text(stdout),
        stderr: text(stderr),
    })
}

/// Reads a pipe to its end on a thread of its own, no more than 16 MiB of it.
fn read(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(16 << 20).read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Ran {
    /// Fails unless it ended with this exit code and said all of these.
    pub(crate) fn expect(&self, code: i32, said: &[&str]) -> Result<(), String> {
        let missing = said.iter().find(|text| !self.stderr.contains(**text));
        match missing {
            None if self.code == Some(code) => Ok(()),
            None => Err(format!("expected exit code {code}: {self:?}")),
            Some(text) => Err(format!("expected exit code {code} and `{text}`: {self:?}")),
        }
    }
}

pub(crate) fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
