//! Installs project-local tools from package registries.

use std::fs;
use std::process::Command;

use crate::command;
use crate::error::{Error, Missing};
use crate::output;
use crate::tool::{Source, Tool};
use crate::tools::Tools;

/// File written into a tool's folder after the installation completes.
const STAMP: &str = "installed";

impl Tools {
    /// Whether the pinned version of `tool` was completely installed by
    /// [`Tools::install`].
    pub fn is_installed(&self, tool: Tool) -> bool {
        let folder = self.folder(tool);
        let is_complete = match tool.source() {
            // If the Python that made the virtual environment is removed, the
            // environment is broken and this link dangles.
            Source::PyPi { module, .. } => {
                self.python_program(tool, "python").is_some()
                    && self
                        .python_packages(tool)
                        .iter()
                        .any(|packages| packages.join(module).is_dir())
            }
            Source::Npm { .. } => self.node_version(tool).is_some(),
        };
        is_complete && fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == tool.pin())
    }

    /// Installs `tool` from its registry, unless it is already installed. The
    /// remains of a broken or partial installation are removed first.
    ///
    /// # Errors
    /// [`Error::Missing`] if Python, its module `venv`, Node or npm is missing;
    /// [`Error::Failed`] with the full output of pip or npm.
    pub fn install(&self, tool: Tool) -> Result<(), Error> {
        if self.is_installed(tool) {
            return Ok(());
        }
        let folder = self.folder(tool);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
        }
        match tool.source() {
            Source::PyPi { requirements, .. } => self.install_python(tool, requirements)?,
            Source::Npm { package, lock } => {
                node()?;
                output::replace(&folder.join("package.json"), package.as_bytes())?;
                output::replace(&folder.join("package-lock.json"), lock.as_bytes())?;
                // It keeps to the versions and hashes of the lock file.
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
        output::replace(&folder.join(STAMP), tool.pin().as_bytes())
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

/// Finds a Python 3 that has the module `venv`.
fn python() -> Result<Command, Missing> {
    const PACKAGES: &[&str] = &["python3", "python3-venv"];
    let candidates = ["python3", "python"];
    let found = candidates.into_iter().find(|name| {
        command::answer(Command::new(name).arg("--version"))
            .is_some_and(|version| version.starts_with("Python 3"))
    });
    let name = found.ok_or_else(|| Missing::debian("Python 3 not found on PATH", PACKAGES))?;
    // Debian can have `venv` without `ensurepip`, which is needed as well.
    match command::answer(Command::new(name).args(["-c", "import venv, ensurepip"])) {
        Some(_) => Ok(Command::new(name)),
        None => Err(Missing::debian(
            format!("`{name}` lacks the module `venv`"),
            PACKAGES,
        )),
    }
}

/// Finds a Node that is new enough for the tools.
pub(crate) fn node() -> Result<Command, Missing> {
    const PACKAGES: &[&str] = &["nodejs", "npm"];
    let version = command::answer(Command::new("node").arg("--version"));
    let version = version.ok_or_else(|| Missing::debian("`node` not found on PATH", PACKAGES))?;
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|n| n.parse::<u32>().ok());
    match major {
        Some(18..) => Ok(Command::new("node")),
        _ => Err(Missing::debian(
            format!("`node` is {version}; version 18 or newer is required"),
            PACKAGES,
        )),
    }
}

fn npm() -> Result<Command, Missing> {
    let name = if cfg!(windows) { "npm.cmd" } else { "npm" };
    match command::answer(Command::new(name).arg("--version")) {
        Some(_) => Ok(Command::new(name)),
        None => Err(Missing::debian("`npm` not found on PATH", &["npm"])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_installation_is_not_installed() {
        let root = tempfile::tempdir().unwrap();
        let tools = Tools::new(root.path());
        let folder = tools.folder(Tool::Esbuild);
        assert!(!tools.is_installed(Tool::Esbuild), "empty folder");
        let package = folder.join("node_modules/esbuild");
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("package.json"), r#"{"version": "0"}"#).unwrap();
        assert!(!tools.is_installed(Tool::Esbuild), "no stamp");
        fs::write(folder.join(STAMP), "stamp of another version").unwrap();
        assert!(
            !tools.is_installed(Tool::Esbuild),
            "stamp of another version"
        );
        fs::write(folder.join(STAMP), Tool::Esbuild.pin()).unwrap();
        assert!(tools.is_installed(Tool::Esbuild));
        fs::remove_dir_all(package).unwrap();
        assert!(!tools.is_installed(Tool::Esbuild), "package removed");
    }
}
