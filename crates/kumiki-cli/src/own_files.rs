//! What Kumiki itself reads and writes, and no plugin may change.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use kumiki::{FolderAccess, Grants, Protected};

use crate::arguments::{CheckArguments, RunArguments};
use crate::failure::Failure;
use crate::{artifacts, folders};

/// Files and folders of this program and of the run.
#[derive(Default)]
pub(crate) struct OwnFiles {
    files: Vec<(&'static str, PathBuf)>,
    /// Where they are; looked for when there is something to compare them with.
    protected: OnceCell<Protected>,
}

impl OwnFiles {
    /// Of a run with these plugins.
    pub(crate) fn of_run(arguments: &RunArguments, plugins: &[PathBuf]) -> Self {
        let mut own = Self::of_program();
        own.add("a plugin of this run", plugins);
        own.add("the file of grants", &arguments.grants.grants);
        own.add("the file of limits", &arguments.limits.limits);
        let inputs = arguments
            .files
            .iter()
            .filter(|path| path.as_os_str() != "-");
        own.add("an input of this run", inputs);
        // Its parts lie beside it.
        own.add("the output of this run", &arguments.output_file);
        own
    }

    /// Of a check.
    pub(crate) fn of_check(arguments: &CheckArguments) -> Self {
        let mut own = Self::of_program();
        own.add("a plugin of this run", [&arguments.file]);
        own.add("the file of grants", &arguments.grants.grants);
        own.add("the file of cases", &arguments.cases);
        own
    }

    fn of_program() -> Self {
        let mut own = Self::default();
        own.add("the cache of compiled plugins", artifacts::folder());
        own.add("the cache of Kumiki", folders::cache());
        own.add("the folder of settings", folders::config());
        own.add("the program itself", std::env::current_exe());
        // `kumiki build` executes what is there.
        own.add("the folder of tools", folders::variable("KUMIKI_TOOLS"));
        own.add("the folder of builds", folders::variable("KUMIKI_WORK"));
        own
    }

    fn add<P: AsRef<Path>>(&mut self, what: &'static str, paths: impl IntoIterator<Item = P>) {
        let paths = paths.into_iter();
        self.files
            .extend(paths.map(|path| (what, path.as_ref().to_owned())));
    }

    /// Refuses grants that would let a plugin change one of them.
    pub(crate) fn check(&self, grants: &Grants) -> Result<(), Failure> {
        let mut folders = grants.folders();
        if !folders.any(|folder| folder.access() == FolderAccess::ReadWrite) {
            return Ok(());
        }
        let found = self.protected().and_then(|own| own.changed_by(grants));
        let found = found.map_err(|error| {
            Failure::usage(
                "cannot tell whether a plugin could change what the run itself uses",
                "grant folders to be read, `:ro`",
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
            "grant a folder that holds nothing of Kumiki and of this run, nor lies in such a one; \
             or grant it to be read, `:ro`",
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
