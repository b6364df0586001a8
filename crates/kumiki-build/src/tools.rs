//! Project-local tools, each in its own folder under one root. To uninstall a
//! tool, remove its folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::Missing;
use crate::tool::{Source, Tool};

/// The Rust compilers that may build plugins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RustCompiler {
    /// The first of the following that is ready.
    #[default]
    Any,
    /// `rustc` on PATH, with the targets that are installed for it, by rustup
    /// or otherwise.
    Rustup,
    /// Debian's `rustc-web` in /usr/bin, which builds std from source.
    Debian,
}

impl FromStr for RustCompiler {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" | "any" => Ok(RustCompiler::Any),
            "rustup" => Ok(RustCompiler::Rustup),
            "debian" => Ok(RustCompiler::Debian),
            _ => Err(format!(
                "unknown value `{text}`; expected `any`, `rustup` or `debian`"
            )),
        }
    }
}

/// The locations of tools.
#[derive(Clone, Debug)]
pub struct Tools {
    root: PathBuf,
    rust: RustCompiler,
    wasi_sdk: Option<PathBuf>,
}

impl Tools {
    /// Looks for project-local tools under `root`, and for a WASI SDK in the
    /// folder named by the environment variable `WASI_SDK_PATH`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let wasi_sdk = std::env::var_os("WASI_SDK_PATH").filter(|path| !path.is_empty());
        Self {
            root: root.into(),
            rust: RustCompiler::Any,
            wasi_sdk: wasi_sdk.map(PathBuf::from),
        }
    }

    /// Sets the Rust compilers that may be used.
    #[must_use]
    pub fn with_rust(self, rust: RustCompiler) -> Self {
        Self { rust, ..self }
    }

    /// The Rust compilers that may be used.
    pub fn rust(&self) -> RustCompiler {
        self.rust
    }

    pub(crate) fn wasi_sdk(&self) -> Option<&Path> {
        self.wasi_sdk.as_deref()
    }

    /// The folder with the folders of all tools.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a tool, whether or not it exists.
    pub fn folder(&self, tool: Tool) -> PathBuf {
        self.root.join(tool.name())
    }

    /// The path of a program of a PyPI tool, if it exists.
    pub(crate) fn python_program(&self, tool: Tool, name: &str) -> Option<PathBuf> {
        let places = [format!("bin/{name}"), format!("Scripts/{name}.exe")];
        places
            .iter()
            .map(|place| self.folder(tool).join(place))
            .find(|path| path.exists())
    }

    /// The path of the `go` program, if it exists.
    pub(crate) fn go(&self) -> Option<PathBuf> {
        let program = format!("go/bin/go{}", std::env::consts::EXE_SUFFIX);
        self.python_packages(Tool::Go)
            .into_iter()
            .map(|packages| packages.join(&program))
            .find(|path| path.exists())
    }

    /// The module folders of a tool's virtual environment: one for each version
    /// of Python in it, normally a single one.
    pub(crate) fn python_packages(&self, tool: Tool) -> Vec<PathBuf> {
        let lib = self.folder(tool).join("lib");
        let versions = fs::read_dir(lib).into_iter().flatten().flatten();
        let unix = versions.map(|version| version.path().join("site-packages"));
        unix.chain([self.folder(tool).join("Lib/site-packages")])
            .collect()
    }

    /// The version of an npm tool, if it is installed.
    pub(crate) fn node_version(&self, tool: Tool) -> Option<String> {
        let (package, _) = tool.package().rsplit_once('@')?;
        let manifest = self
            .folder(tool)
            .join("node_modules")
            .join(package)
            .join("package.json");
        let manifest: serde_json::Value = serde_json::from_slice(&fs::read(manifest).ok()?).ok()?;
        Some(manifest.get("version")?.as_str()?.to_owned())
    }

    /// The error for a tool that is not installed, with the commands that
    /// install it.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_install_commands() {
        let tools = Tools::new("t");
        let cases = [
            (
                Tool::Zig,
                "python3 -m venv t/zig && t/zig/bin/python -m pip install ziglang==0.17.1",
            ),
            (
                Tool::Esbuild,
                "npm install --prefix t/esbuild esbuild@0.28.2",
            ),
        ];
        for (tool, hint) in cases {
            let missing = tools.missing(tool);
            assert_eq!(missing.hint, hint);
            assert_eq!(missing.what, format!("`{}` is not installed", tool.name()));
        }
    }

    #[test]
    fn rust_way_is_parsed() {
        assert_eq!("".parse(), Ok(RustCompiler::Any));
        assert_eq!("rustup".parse(), Ok(RustCompiler::Rustup));
        assert_eq!("debian".parse(), Ok(RustCompiler::Debian));
        let error = "Debian".parse::<RustCompiler>().unwrap_err();
        assert_eq!(
            error,
            "unknown value `Debian`; expected `any`, `rustup` or `debian`"
        );
    }
}
