//! Installs the project-local tools from their registries.

use std::fs;
use std::process::Command;

use crate::command;
use crate::error::{Error, Missing};
use crate::output;
use crate::tool::{Source, Tool};
use crate::tools::Tools;

/// Written into a tool's folder when its installation is complete.
const STAMP: &str = "installed";

impl Tools {
    /// Whether this very version of `tool` was installed to the end by
    /// [`Tools::install`].
    pub fn is_installed(&self, tool: Tool) -> bool {
        let folder = self.folder(tool);
        let whole = match tool.source() {
            // A virtual environment is broken when the Python it was made with
            // is gone: then this link leads nowhere.
            Source::PyPi { module, .. } => {
                self.python_program(tool, "python").is_some()
                    && self
                        .python_packages(tool)
                        .iter()
                        .any(|packages| packages.join(module).is_dir())
            }
            Source::Npm { .. } => self.node_version(tool).is_some(),
        };
        whole && fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == tool.pin())
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
            Source::PyPi { requirements, .. } => self.install_python(tool, requirements)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_done_is_not_installed() {
        let root = tempfile::tempdir().unwrap();
        let tools = Tools::new(root.path());
        let folder = tools.folder(Tool::ComponentizeQjs);
        assert!(!tools.is_installed(Tool::ComponentizeQjs), "nothing there");
        let package = folder.join("node_modules/componentize-qjs");
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("package.json"), r#"{"version": "0"}"#).unwrap();
        assert!(!tools.is_installed(Tool::ComponentizeQjs), "no stamp");
        fs::write(folder.join(STAMP), "of another version").unwrap();
        assert!(!tools.is_installed(Tool::ComponentizeQjs), "another stamp");
        fs::write(folder.join(STAMP), Tool::ComponentizeQjs.pin()).unwrap();
        assert!(tools.is_installed(Tool::ComponentizeQjs));
        fs::remove_dir_all(package).unwrap();
        assert!(!tools.is_installed(Tool::ComponentizeQjs), "emptied");
    }
}
