//! Prepares a machine for plugins in a language, before any plugin is there.

use std::fs;
use std::path::PathBuf;

use kumiki_build::{Language, Options, Profile, Project, Template};

use crate::arguments::RuntimeLanguage;
use crate::commands::project::{WhenMissing, failure, toolchain, tools};
use crate::console::Console;
use crate::failure::Failure;
use crate::folders::{self, variable};

impl RuntimeLanguage {
    fn language(self) -> Language {
        match self {
            Self::Js => Language::JavaScript,
            Self::Python => Language::Python,
        }
    }
}

/// Builds a small plugin in a language, which contains its runtime; returns its file.
pub(super) fn plugin(language: RuntimeLanguage, console: &Console) -> Result<PathBuf, Failure> {
    let work = match variable("KUMIKI_WORK") {
        Some(work) => Some(PathBuf::from(work)),
        None => folders::cache(),
    };
    let work = work.ok_or_else(|| {
        let hint = "set KUMIKI_WORK to a folder";
        Failure::usage("there is no home folder for intermediate files", hint)
    })?;
    let language = language.language();
    let folder = work.join("runtimes").join(language.name());
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| {
            let message = format!("cannot remove `{}`: {error}", folder.display());
            Failure::usage(message, "remove the folder, or set KUMIKI_WORK")
        })?;
    }
    let failed = |error: kumiki_build::Error| failure(&error);
    let template = Template::new("runtime", language).map_err(failed)?;
    template.write(&folder).map_err(failed)?;
    let project = Project::read(&folder).map_err(failed)?;
    let (tools, profile) = (tools()?, Profile::Speed);
    toolchain(&project, profile, &tools, WhenMissing::Fail, console)?;
    let output = folder.join("runtime.wasm");
    let options = Options::new(folder.join("work"));
    console.spinner(&format!("building a plugin in {}", language.name()));
    let built = kumiki_build::build(&project, &output, &tools, &options);
    console.done();
    built.map_err(failed)?;
    Ok(output)
}
