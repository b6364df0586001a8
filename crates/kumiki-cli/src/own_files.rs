//! Files of Kumiki itself, which no plugin may change.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use kumiki::{FolderAccess, Grants, Protected};

use crate::arguments::{CallArguments, CheckArguments, DevArguments, RunArguments};
use crate::failure::Failure;
use crate::{artifacts, folders};

/// Files and folders of this program and of a run.
#[derive(Default)]
pub(crate) struct OwnFiles {
    files: Vec<(&'static str, PathBuf)>,
    /// Their resolved places; looked up on first use.
    protected: OnceCell<Protected>,
}

impl OwnFiles {
    /// The files of a run with these plugins.
    pub(crate) fn of_run(arguments: &RunArguments, plugins: &[PathBuf]) -> Self {
        let mut own = Self::of_program();
        own.add("a plugin of this run", plugins);
        own.add("the grants file", &arguments.grants.grants);
        own.add("the limits file", &arguments.limits.limits);
        let inputs = arguments
            .files
            .iter()
            .filter(|path| path.as_os_str() != "-");
        own.add("an input of this run", inputs);
        // Its partial file and state are in the same folder.
        own.add("the output of this run", &arguments.output_file);
        own.add("the output of this run", &arguments.output_folder);
        own
    }

    /// The files of a check.
    pub(crate) fn of_check(arguments: &CheckArguments) -> Self {
        let mut own = Self::of_program();
        own.add("a plugin of this run", [&arguments.file]);
        own.add("the grants file", &arguments.grants.grants);
        own.add("the cases file", &arguments.cases);
        own
    }

    /// The files of `kumiki dev`. A plugin that could change its project would decide
    /// what the next build executes.
    pub(crate) fn of_dev(arguments: &DevArguments) -> Self {
        let mut own = Self::of_program();
        own.add("the project", [&arguments.folder]);
        own.add("the grants file", &arguments.grants.grants);
        own.add("the limits file", &arguments.limits.limits);
        own.add("the sample", &arguments.file);
        own
    }

    /// The files of a call.
    pub(crate) fn of_call(arguments: &CallArguments) -> Self {
        let mut own = Self::of_program();
        own.add("a plugin of this run", [&arguments.file]);
        own.add("the grants file", &arguments.grants.grants);
        own.add("the limits file", &arguments.limits.limits);
        own
    }

    fn of_program() -> Self {
        let mut own = Self::default();
        own.add("the compile cache", artifacts::folder());
        own.add("the Kumiki cache", folders::cache());
        own.add("the settings folder", folders::config());
        own.add("the kumiki program", std::env::current_exe());
        // `kumiki build` executes files in these folders.
        own.add("the tools folder", folders::variable("KUMIKI_TOOLS"));
        own.add("the builds folder", folders::variable("KUMIKI_WORK"));
        own
    }

    fn add<P: AsRef<Path>>(&mut self, what: &'static str, paths: impl IntoIterator<Item = P>) {
        let paths = paths.into_iter();
        self.files
            .extend(paths.map(|path| (what, path.as_ref().to_owned())));
    }

    /// Rejects grants that would let a plugin change one of these files.
    pub(crate) fn check(&self, grants: &Grants) -> Result<(), Failure> {
        let mut folders = grants.folders();
        if !folders.any(|folder| folder.access() == FolderAccess::ReadWrite) {
            return Ok(());
        }
        let found = self.protected().and_then(|own| own.changed_by(grants));
        let found = found.map_err(|error| {
            Failure::usage(
                "cannot tell whether a plugin could change files that the run uses",
                "grant folders read-only: `:ro`",
            )
            .because(error)
        })?;
        let Some((place, folder)) = found else {
            return Ok(());
        };
        let (what, path) = &self.files[place];
        Err(Failure::usage(
            format!(
                "`{folder}` would let plugins change {what}, `{}`",
                path.display()
            ),
            "grant a folder that neither contains nor lies in files of Kumiki or of this run, or \
             grant it read-only: `:ro`",
        ))
    }

    fn protected(&self) -> std::io::Result<&Protected> {
        if let Some(protected) = self.protected.get() {
            return Ok(protected);
        }
        let protected = Protected::new(self.files.iter().map(|(_, path)| path))?;
        Ok(self.protected.get_or_init(|| protected))
    }
}
