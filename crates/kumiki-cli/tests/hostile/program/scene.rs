//! The folder in which a row works.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{Output, run};
use crate::suite::to_text;

/// The program under test.
const KUMIKI: &str = env!("CARGO_BIN_EXE_kumiki");

/// The content of the file `outside/secret`.
pub(crate) const SECRET: &str = "not granted to anyone\n";

/// A new folder. The program runs in `work`; `outside` contains a secret; `config`,
/// `cache` and `tools` are the program's own.
pub(crate) struct Scene {
    _folder: tempfile::TempDir,
    root: PathBuf,
    has_cache: bool,
}

impl Scene {
    /// A folder in which the program has no cache.
    pub(crate) fn new() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(to_text)?;
        // The program shows paths without links.
        let root = folder.path().canonicalize().map_err(to_text)?;
        let scene = Self {
            _folder: folder,
            root,
            has_cache: false,
        };
        for folder in ["work", "outside", "config/kumiki", "cache"] {
            scene.folder(folder)?;
        }
        scene.file("outside/secret", SECRET)?;
        Ok(scene)
    }

    /// A folder in which the program has its cache in `cache`.
    pub(crate) fn with_cache() -> Result<Self, String> {
        let scene = Self::new()?;
        Ok(Self {
            has_cache: true,
            ..scene
        })
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A path as the program shows it.
    #[cfg(unix)]
    pub(crate) fn path_text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Writes a file, and creates the folders above it.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), String> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(to_text)?;
        }
        std::fs::write(path, bytes).map_err(to_text)
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.path(name)).map_err(to_text)
    }

    pub(crate) fn folder(&self, name: &str) -> Result<(), String> {
        std::fs::create_dir_all(self.path(name)).map_err(to_text)
    }

    /// Creates a symbolic link `name` to `target`, which is relative to the link.
    #[cfg(unix)]
    pub(crate) fn link(&self, target: impl AsRef<Path>, name: &str) -> Result<(), String> {
        link(target.as_ref(), &self.path(name))
    }

    /// The sorted names of the entries of a folder.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).into_iter().flatten();
        let mut names: Vec<_> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// A command that runs the program in `work`, with arguments separated by spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = self.in_work(KUMIKI);
        command.args(arguments.split(' '));
        command
    }

    /// A command that runs a shell script in `work`. `"$0"` is the program.
    #[cfg(unix)]
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = self.in_work("sh");
        command.args(["-c", script, KUMIKI]);
        command
    }

    /// A command in `work` that ignores the settings of this machine.
    fn in_work(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for name in [
            "CLICOLOR_FORCE",
            "KUMIKI_CACHE",
            "KUMIKI_RUST",
            "KUMIKI_WORK",
            "NO_COLOR",
            "WASI_SDK_PATH",
        ] {
            command.env_remove(name);
        }
        command
            .current_dir(self.path("work"))
            .env("KUMIKI_TOOLS", self.path("tools"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_CONFIG_HOME", self.path("config"));
        if !self.has_cache {
            command.env("KUMIKI_CACHE", "off");
        }
        command
    }

    /// Runs the program with arguments separated by spaces.
    pub(crate) fn run(&self, arguments: &str) -> Result<Output, String> {
        run(&mut self.command(arguments))
    }
}

/// Creates a symbolic link at `path`.
#[cfg(unix)]
pub(crate) fn link(target: &Path, path: &Path) -> Result<(), String> {
    std::os::unix::fs::symlink(target, path).map_err(to_text)
}

/// Creates a symbolic link at `path`.
#[cfg(not(unix))]
pub(crate) fn link(_target: &Path, _path: &Path) -> Result<(), String> {
    Err("creating links needs a privilege on this system".to_owned())
}

/// Creates a named pipe.
#[cfg(unix)]
pub(crate) fn make_pipe(path: &Path) -> Result<(), String> {
    run(Command::new("mkfifo").arg(path))?.expect(0, &[])
}
