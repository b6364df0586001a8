//! Finds the toolchain of a build, and installs what is missing: with `--install`, or
//! after the user has agreed on the terminal.

use kumiki_build::{Language, Missing, Probe, Profile, Project, Ready, Tool, Tools};

use super::failure::{failure, without_dot};
use crate::arguments::BuildArguments;
use crate::console::{Console, escape};
use crate::failure::Failure;
use crate::prompt;

/// What to do if the toolchain is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenMissing {
    /// Install it.
    Install,
    /// Ask the user on a terminal; fail elsewhere.
    Ask,
    Fail,
}

impl WhenMissing {
    /// For the first build of the program.
    pub(crate) fn at_start(arguments: &BuildArguments) -> Self {
        if arguments.install {
            Self::Install
        } else {
            Self::Ask
        }
    }

    /// For the builds after it: a question is asked once.
    pub(crate) fn later(self) -> Self {
        match self {
            Self::Ask => Self::Fail,
            other => other,
        }
    }
}

/// Returns the project's toolchain. If it is not ready, installs its tools where that
/// helps and is wanted.
pub(crate) fn toolchain(
    project: &Project,
    profile: Profile,
    tools: &Tools,
    when_missing: WhenMissing,
    console: &Console,
) -> Result<Ready, Failure> {
    let missing = match project.probe(tools, profile) {
        Probe::Ready(ready) => return Ok(ready),
        Probe::Missing(missing) => missing,
    };
    let installable = installable(project, profile, tools, &missing);
    let is_wanted = match when_missing {
        _ if installable.is_empty() => false,
        WhenMissing::Install => true,
        WhenMissing::Ask if prompt::is_attended() => {
            prompt::confirm(&question(&missing, &installable, tools))?
        }
        WhenMissing::Ask | WhenMissing::Fail => false,
    };
    if !is_wanted {
        return Err(missing_toolchain(project, profile, &missing, &installable));
    }
    for tool in installable {
        install(tool, tools, console)?;
    }
    match project.probe(tools, profile) {
        Probe::Ready(ready) => Ok(ready),
        // The tools did not help.
        Probe::Missing(missing) => Err(missing_toolchain(project, profile, &missing, &[])),
    }
}

/// The tools to install so that the project can be built. Empty if that does not help:
/// neither a Rust compiler nor packages that need root can be installed as tools.
fn installable(project: &Project, profile: Profile, tools: &Tools, missing: &Missing) -> Vec<Tool> {
    let has_compiler = || match project.language {
        Language::Rust => {
            let probe = project.toolchain().probe(tools, project.wasi);
            matches!(probe, Probe::Ready(_))
        }
        _ => true,
    };
    if !missing.packages.is_empty() || !has_compiler() {
        return Vec::new();
    }
    let mut needed = project.tools(profile);
    needed.retain(|tool| !tools.is_installed(*tool));
    needed
}

/// The question whether to install tools: what is missing, each tool with its version,
/// and the folder.
fn question(missing: &Missing, installable: &[Tool], tools: &Tools) -> String {
    let names = installable.iter();
    let names = names.map(|tool| format!("`{}` {}", tool.name(), tool.version()));
    let names: Vec<_> = names.collect();
    format!(
        "{missing}; install {} into {}?",
        names.join(" and "),
        tools.root().display()
    )
}

fn install(tool: Tool, tools: &Tools, console: &Console) -> Result<(), Failure> {
    let folder = tools.folder(tool);
    console.notice(escape(&format!(
        "installing `{}` into {}",
        tool.name(),
        folder.display()
    )));
    console.spinner(&format!("installing {}", tool.name()));
    let installed = tools.install(tool);
    console.done();
    installed.map_err(|error| failure(&error))
}

/// The failure for a missing toolchain. The hint begins with `--install` if that helps.
fn missing_toolchain(
    project: &Project,
    profile: Profile,
    missing: &Missing,
    installable: &[Tool],
) -> Failure {
    let mut failure = Failure::failed(missing.to_string());
    let by_hand = &missing.hint;
    failure.hint = Some(if installable.is_empty() {
        by_hand.clone()
    } else {
        let folder = without_dot(&project.folder).display().to_string();
        let command = format!("kumiki build {folder}");
        // The tools of this profile only.
        let size = match profile {
            Profile::Size => " --size",
            Profile::Speed | Profile::Debug => "",
        };
        format!(
            "install it with `{}{size} --install`; or by hand: {by_hand}",
            command.trim_end()
        )
    });
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing() -> Missing {
        Missing {
            what: "Go 1.24 or newer not found".to_owned(),
            hint: "python3 -m venv".to_owned(),
            packages: &[],
        }
    }

    fn project(language: &str) -> Project {
        let folder = tempfile::tempdir().unwrap();
        let manifest =
            format!("name = \"a\"\nlanguage = \"{language}\"\nwit = \".\"\nworld = \"plugin\"\n");
        std::fs::write(folder.path().join("kumiki.toml"), manifest).unwrap();
        Project::read(folder.path()).unwrap()
    }

    #[test]
    fn the_question_names_each_tool_and_the_folder() {
        let tools = Tools::new("/cache/tools");
        assert_eq!(
            question(&missing(), &[Tool::Go, Tool::Binaryen], &tools),
            "Go 1.24 or newer not found; install `go` 1.26.6 and `binaryen` 132.0.0 into \
             /cache/tools?"
        );
    }

    #[test]
    fn the_hint_installs_the_tools_of_the_profile() {
        for (profile, expected) in [
            (Profile::Speed, " --install`;"),
            (Profile::Size, " --size --install`;"),
        ] {
            let failure = missing_toolchain(&project("c"), profile, &missing(), &[Tool::Binaryen]);
            let hint = failure.hint.unwrap();
            let (command, _) = hint.split_once("; or by hand").unwrap();
            assert!(format!("{command};").ends_with(expected), "{hint}");
            assert_eq!(hint.contains("--size"), profile == Profile::Size);
        }
    }

    #[test]
    fn only_tools_that_help_are_offered() {
        let tools = Tools::new("/does/not/exist");
        let offered = |language, profile, missing: &Missing| {
            installable(&project(language), profile, &tools, missing)
        };
        let size = offered("go", Profile::Size, &missing());
        assert_eq!(size, [Tool::Go, Tool::Binaryen]);
        let js = offered("javascript", Profile::Speed, &missing());
        // Only for TypeScript and packages.
        assert_eq!(js, []);
        assert_eq!(offered("rust", Profile::Speed, &missing()), []);
        let packages = Missing {
            packages: &["nodejs"],
            ..missing()
        };
        assert_eq!(offered("javascript", Profile::Speed, &packages), []);
    }

    #[test]
    fn a_question_is_asked_once() {
        assert_eq!(WhenMissing::Ask.later(), WhenMissing::Fail);
        assert_eq!(WhenMissing::Install.later(), WhenMissing::Install);
        assert_eq!(WhenMissing::Fail.later(), WhenMissing::Fail);
    }
}
