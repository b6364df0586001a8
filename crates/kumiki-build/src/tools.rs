//! The project-local tools: each in a folder of its own under one root, removed
//! by removing the folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::Missing;
use crate::tool::{Source, Tool};

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

    /// Go's program, if it is there.
    pub(crate) fn go(&self) -> Option<PathBuf> {
        let program = format!("go/bin/go{}", std::env::consts::EXE_SUFFIX);
        self.python_packages(Tool::Go)
            .into_iter()
            .map(|packages| packages.join(&program))
            .find(|path| path.exists())
    }

    /// Where a tool's virtual environment keeps its modules: a folder for each
    /// version of Python that it was made with, which is one.
    pub(crate) fn python_packages(&self, tool: Tool) -> Vec<PathBuf> {
        let lib = self.folder(tool).join("lib");
        let versions = fs::read_dir(lib).into_iter().flatten().flatten();
        let unix = versions.map(|version| version.path().join("site-packages"));
        unix.chain([self.folder(tool).join("Lib/site-packages")])
            .collect()
    }

    /// The version of a tool that came from npm, if it is there.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_the_commands_to_run() {
        let tools = Tools::new("t");
        let cases = [
            (
                Tool::Zig,
                "python3 -m venv t/zig && t/zig/bin/python -m pip install ziglang==0.17.1",
            ),
            (
                Tool::ComponentizeQjs,
                "npm install --prefix t/componentize-qjs componentize-qjs@0.4.5",
            ),
        ];
        for (tool, hint) in cases {
            let missing = tools.missing(tool);
            assert_eq!(missing.hint, hint);
            assert_eq!(missing.what, format!("`{}` is not installed", tool.name()));
        }
    }

    #[test]
    fn ways_to_rust() {
        assert_eq!("".parse(), Ok(RustWay::Any));
        assert_eq!("rustup".parse(), Ok(RustWay::Rustup));
        assert_eq!("debian".parse(), Ok(RustWay::Debian));
        let error = "Debian".parse::<RustWay>().unwrap_err();
        assert_eq!(
            error,
            "unknown way `Debian`, only `any`, `rustup` and `debian` accepted"
        );
    }
}
