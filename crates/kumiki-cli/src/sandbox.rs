//! The sandbox: the process restricts itself to what the run needs before a plugin
//! runs, in two steps.
//!
//! 1. **Before plugins are loaded**, while the main thread is the only one: to what
//!    the run reads, writes and connects to, plus writing to the compile cache and
//!    executing this program, which compiles plugins.
//! 2. **After all are loaded**, before the first of them runs: no program can be
//!    executed and the cache cannot be written any more.
//!
//! For the reasons see `docs/decisions/0012-landlock.md`.

use std::path::{Path, PathBuf};

use kumiki::{Cache, Grants, Level, Sandbox, SandboxStatus};

use crate::arguments::GrantArguments;
use crate::console::Console;
use crate::failure::Failure;

/// The files and network access that a run needs.
pub(crate) struct ProcessSandbox {
    is_on: bool,
    /// Everything that the run needs.
    whole: Sandbox,
    /// The part of it that the run changes.
    changes: Sandbox,
}

impl ProcessSandbox {
    /// Starts with nothing allowed.
    pub(crate) fn new(is_on: bool) -> Self {
        Self {
            is_on,
            whole: Sandbox::new(),
            changes: Sandbox::for_changes(),
        }
    }

    /// Allows reading these files.
    pub(crate) fn read<P: AsRef<Path>>(mut self, files: impl IntoIterator<Item = P>) -> Self {
        for file in files {
            self.whole = self.whole.read(file.as_ref());
        }
        self
    }

    /// Allows reading the grants and limits files, which are read again.
    pub(crate) fn read_arguments(self, grants: &GrantArguments, limits: Option<&PathBuf>) -> Self {
        self.read(&grants.grants).read(limits)
    }

    /// Allows writing a file, which has another name in its folder until it is complete.
    pub(crate) fn write(self, file: &Path) -> Self {
        let parent = file
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        self.write_folder(parent.unwrap_or(Path::new(".")))
    }

    /// Allows writing files in a folder and its subfolders.
    pub(crate) fn write_folder(mut self, folder: &Path) -> Self {
        self.whole = self.whole.replace(folder);
        self.changes = self.changes.replace(folder);
        self
    }

    /// Allows what these grants allow.
    pub(crate) fn grants<'a>(mut self, all: impl IntoIterator<Item = &'a Grants>) -> Self {
        for grants in all {
            self.whole = self.whole.grants(grants);
            self.changes = self.changes.grants(grants);
        }
        self
    }

    /// Takes the first step. Call it before the process has a second thread.
    pub(crate) fn before_loading(
        self,
        cache: Option<&Cache>,
        console: &Console,
    ) -> Result<Loading, Failure> {
        if !self.is_on {
            return Ok(Loading { changes: None });
        }
        let mut sandbox = self.whole;
        if let Some(cache) = cache {
            sandbox = sandbox.write(cache.folder());
        }
        sandbox = sandbox.execute_this_program();
        let status = restrict(&sandbox)?;
        report(status, console);
        Ok(Loading {
            changes: status.is_active().then_some(self.changes),
        })
    }
}

/// The sandbox while plugins are loaded.
#[must_use]
pub(crate) struct Loading {
    changes: Option<Sandbox>,
}

impl Loading {
    /// Takes the second step. Compiling may have started threads in this process by
    /// now; they run no plugins and keep the restrictions of the first step.
    pub(crate) fn before_plugins_run(self) -> Result<(), Failure> {
        match self.changes {
            Some(changes) => restrict(&changes).map(drop),
            None => Ok(()),
        }
    }
}

fn restrict(sandbox: &Sandbox) -> Result<SandboxStatus, Failure> {
    sandbox.restrict_current_thread().map_err(|error| {
        let mut failure = Failure::from(error);
        failure.hint = Some("disable the sandbox with `--no-sandbox`".into());
        failure
    })
}

fn report(status: SandboxStatus, console: &Console) {
    match status {
        status if !status.is_active() => {
            console.detail(Level::Info, format_args!("sandbox: {status}"));
        }
        status if !status.whole_process => console.detail(
            Level::Info,
            format_args!("sandbox: {status}; some threads are older than it"),
        ),
        status => console.detail(Level::Debug, format_args!("sandbox: {status}; all threads")),
    }
}
