//! The project-local tools: each in a folder of its own under one root, pinned
//! by the lock files that this library carries, removed by removing the folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use crate::command;
use crate::error::{Error, Missing};
use crate::fingerprint::Hasher;
use crate::output;

/// Which Rust compilers may be used for plugins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RustWay {
    /// The first that is ready, in the order below.
    #[default]
    Any,
    /// `rustc` on the path with the targets that it has installed, by rustup or
    /// otherwise.
    Rustup,
    /// Debian's `rustc-web` in /usr/bin, which builds std from source.
    Debian,
}

impl FromStr for RustWay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" | "any" => Ok(RustWay::Any),
            "rustup" => Ok(RustWay::Rustup),
            "debian" => Ok(RustWay::Debian),
            _ => Err(format!(
                "unknown way `{text}`, only `any`, `rustup` and `debian` accepted"
            )),
        }
    }
}

/// A tool that needs no root: it comes from a package registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Zig's C compiler, with a libc for WebAssembly.
    Zig,
    /// JavaScript to components, with the small engine QuickJS.
    ComponentizeQjs,
    /// JavaScript to components, with the engine StarlingMonkey.
    ComponentizeJs,
    /// Python to components.
    ComponentizePy,
}

/// Where a tool comes from, and what pins it.
enum Source {
    /// A virtual environment with a requirements file.
    PyPi { requirements: &'static str },
    /// A folder with a package.json and its lock file.
    Npm {
        package: &'static str,
        lock: &'static str,
    },
}

impl Tool {
    /// All of them.
    pub const ALL: [Tool; 4] = [
        Tool::Zig,
        Tool::ComponentizeQjs,
        Tool::ComponentizeJs,
        Tool::ComponentizePy,
    ];

    /// Its name, which is also its folder's.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Zig => "zig",
            Tool::ComponentizeQjs => "componentize-qjs",
            Tool::ComponentizeJs => "componentize-js",
            Tool::ComponentizePy => "componentize-py",
        }
    }

    fn source(self) -> Source {
        match self {
            Tool::Zig => Source::PyPi {
                requirements: include_str!("../tools/zig/requirements.txt"),
            },
            Tool::ComponentizePy => Source::PyPi {
                requirements: include_str!("../tools/componentize-py/requirements.txt"),
            },
            Tool::ComponentizeQjs => Source::Npm {
                package: include_str!("../tools/componentize-qjs/package.json"),
                lock: include_str!("../tools/componentize-qjs/package-lock.json"),
            },
            Tool::ComponentizeJs => Source::Npm {
                package: include_str!("../tools/componentize-js/package.json"),
                lock: include_str!("../tools/componentize-js/package-lock.json"),
            },
        }
    }

    /// The package and version as its registry's client takes them.
    fn package(self) -> &'static str {
        match self {
            Tool::Zig => "ziglang==0.17.1",
            Tool::ComponentizePy => "componentize-py==0.25.1",
            Tool::ComponentizeQjs => "componentize-qjs@0.4.5",
            Tool::ComponentizeJs => "@bytecodealliance/componentize-js@0.23.0",
        }
    }
}

/// Where tools are looked for.
#[derive(Clone, Debug)]
pub struct Tools {
    root: PathBuf,
    rust: RustWay,
    wasi_sdk: Option<PathBuf>,
}

impl Tools {
    /// Project-local tools live under `root`. A WASI SDK is where the
    /// environment's `WASI_SDK_PATH` says.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let wasi_sdk = std::env::var_os("WASI_SDK_PATH").filter(|path| !path.is_empty());
        Self {
            root: root.into(),
            rust: RustWay::Any,
            wasi_sdk: wasi_sdk.map(PathBuf::from),
        }
    }

    /// Allows only this way to Rust.
    #[must_use]
    pub fn with_rust(self, rust: RustWay) -> Self {
        Self { rust, ..self }
    }

    /// The way to Rust that is allowed.
    pub fn rust(&self) -> RustWay {
        self.rust
    }

    pub(crate) fn wasi_sdk(&self) -> Option<&Path> {
        self.wasi_sdk.as_deref()
    }

    /// The folder of a tool, whether it is there or not.
    pub fn folder(&self, tool: Tool) -> PathBuf {
        self.root.join(tool.name())
    }

    /// A program of a tool that came from PyPI, if it is there.
    pub(crate) fn python_program(&self, tool: Tool, name: &str) -> Option<PathBuf> {
        let places = [format!("bin/{name}"), format!("Scripts/{name}.exe")];
        places
            .iter()
            .map(|place| self.folder(tool).join(place))
            .find(|path| path.exists())
    }

    /// The version of a tool that came from npm, if it is there.
    pub(crate) fn node_version(&self, tool: Tool, package: &str) -> Option<String> {
        let manifest = self
            .folder(tool)
            .join("node_modules")
            .join(package)
            .join("package.json");
        let manifest: serde_json::Value = serde_json::from_slice(&fs::read(manifest).ok()?).ok()?;
        Some(manifest.get("version")?.as_str()?.to_owned())
    }

    /// That a tool is not installed, and the commands that install it.
    pub(crate) fn missing(&self, tool: Tool) -> Missing {
        let folder = self.folder(tool);
        let hint = match tool.source() {
            Source::PyPi { .. } => format!(
                "python3 -m venv {0} && {0}/bin/python -m pip install {1}",
                folder.display(),
                tool.package()
            ),
            Source::Npm { .. } => {
                format!(
                    "npm install --prefix {} {}",
                    folder.display(),
                    tool.package()
                )
            }
        };
        Missing::new(format!("`{}` is not installed", tool.name()), hint)
    }

    /// Whether this very version of `tool` was installed to the end by
    /// [`Tools::install`].
    pub fn is_installed(&self, tool: Tool) -> bool {
        let folder = self.folder(tool);
        let whole = match tool.source() {
            // A virtual environment is broken when the Python it was made with
            // is gone: then this link leads nowhere.
            Source::PyPi { .. } => self.python_program(tool, "python").is_some(),
            Source::Npm { .. } => folder.join("node_modules").is_dir(),
        };
        whole && fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == pin(tool))
    }

    /// Installs `tool` from its registry, unless it is. What a broken or
    /// half-done installation left is removed first.
    ///
    /// # Errors
    /// [`Error::Missing`] when Python, its module `venv`, Node or npm is not
    /// there; [`Error::Failed`] with all that pip or npm said.
    pub fn install(&self, tool: Tool) -> Result<(), Error> {
        if self.is_installed(tool) {
            return Ok(());
        }
        let folder = self.folder(tool);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
        }
        match tool.source() {
            Source::PyPi { requirements } => self.install_python(tool, requirements)?,
            Source::Npm { package, lock } => {
                node()?;
                output::replace(&folder.join("package.json"), package.as_bytes())?;
                output::replace(&folder.join("package-lock.json"), lock.as_bytes())?;
                // Not `npm ci`: it gives up on componentize-qjs 0.4.5, which
                // names optional packages that were never published. `install`
                // keeps to the lock file's versions and hashes as well.
                command::run(npm()?.current_dir(&folder).args([
                    "install",
                    "--no-save",
                    "--package-lock",
                    "--ignore-scripts",
                    "--no-audit",
                    "--no-fund",
                    "--no-update-notifier",
                ]))?;
            }
        }
        output::replace(&folder.join(STAMP), pin(tool).as_bytes())
    }

    fn install_python(&self, tool: Tool, requirements: &str) -> Result<(), Error> {
        let folder = self.folder(tool);
        command::run(python()?.args(["-m", "venv"]).arg(&folder))?;
        let file = folder.join("requirements.txt");
        output::replace(&file, requirements.as_bytes())?;
        let python = self
            .python_program(tool, "python")
            .ok_or_else(|| self.missing(tool))?;
        let mut pip = Command::new(python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
        ]);
        pip.args(["--no-deps", "--only-binary=:all:", "--require-hashes", "-r"])
            .arg(&file);
        command::run(&mut pip)?;
        Ok(())
    }
}

/// Written into a tool's folder when its installation is complete.
const STAMP: &str = "installed";

/// What the stamp says: the hash of what pins the tool.
fn pin(tool: Tool) -> String {
    let hasher = match tool.source() {
        Source::PyPi { requirements } => Hasher::new().bytes("pypi", requirements.as_bytes()),
        Source::Npm { package, lock } => Hasher::new()
            .bytes("npm", package.as_bytes())
            .bytes("lock", lock.as_bytes()),
    };
    hasher.finish().to_string()
}

/// A command that runs Python 3 with its module `venv`.
fn python() -> Result<Command, Missing> {
    const PACKAGES: &[&str] = &["python3", "python3-venv"];
    let candidates = ["python3", "python"];
    let found = candidates.into_iter().find(|name| {
        command::answer(Command::new(name).arg("--version"))
            .is_some_and(|version| version.starts_with("Python 3"))
    });
    let name = found.ok_or_else(|| Missing::debian("no Python 3 on the path", PACKAGES))?;
    // Debian has `venv` without `ensurepip`, which is the half that matters.
    match command::answer(Command::new(name).args(["-c", "import venv, ensurepip"])) {
        Some(_) => Ok(Command::new(name)),
        None => Err(Missing::debian(
            format!("`{name}` has no module `venv`"),
            PACKAGES,
        )),
    }
}

/// A command that runs Node, new enough for the tools.
pub(crate) fn node() -> Result<Command, Missing> {
    const PACKAGES: &[&str] = &["nodejs", "npm"];
    let version = command::answer(Command::new("node").arg("--version"));
    let version = version.ok_or_else(|| Missing::debian("no `node` on the path", PACKAGES))?;
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|n| n.parse::<u32>().ok());
    match major {
        Some(18..) => Ok(Command::new("node")),
        _ => Err(Missing::debian(
            format!("`node` is {version}, 18 or newer is needed"),
            PACKAGES,
        )),
    }
}

fn npm() -> Result<Command, Missing> {
    let name = if cfg!(windows) { "npm.cmd" } else { "npm" };
    match command::answer(Command::new(name).arg("--version")) {
        Some(_) => Ok(Command::new(name)),
        None => Err(Missing::debian("no `npm` on the path", &["npm"])),
    }
}
