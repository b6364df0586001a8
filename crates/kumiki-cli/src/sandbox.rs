//! The second wall: before a plugin runs, the process restricts itself to what
//! the run needs, in two steps.
//!
//! 1. **Before plugins are loaded**, while there is no thread but the first: to
//!    what the run reads, writes and reaches, with the cache to write to, and
//!    with this program to execute, as that is what compiles.
//! 2. **When all are loaded**, before the first of them runs: no program may be
//!    executed any more, and the cache is no longer written to.
//!
//! `docs/decisions/0012-landlock.md` says why.

use std::path::{Path, PathBuf};

use kumiki::{Cache, Grants, Level, Sandbox, SandboxStatus};

use crate::arguments::GrantArguments;
use crate::console::Console;
use crate::failure::Failure;

/// What a run needs of files and of the network.
pub(crate) struct Wall {
    is_on: bool,
    /// What is needed as long as it runs.
    whole: Sandbox,
    /// What of that is changed.
    changes: Sandbox,
}

impl Wall {
    /// Nothing is needed yet.
    pub(crate) fn new(is_on: bool) -> Self {
        Self {
            is_on,
            whole: Sandbox::new(),
            changes: Sandbox::for_changes(),
        }
    }

    /// These files are read.
    pub(crate) fn read<P: AsRef<Path>>(mut self, files: impl IntoIterator<Item = P>) -> Self {
        for file in files {
            self.whole = self.whole.read(file.as_ref());
        }
        self
    }

    /// The files that the arguments name are read again.
    pub(crate) fn read_said(self, grants: &GrantArguments, limits: Option<&PathBuf>) -> Self {
        self.read(&grants.grants).read(limits)
    }

    /// A file is written: under another name in its folder until it is whole.
    pub(crate) fn write(mut self, file: &Path) -> Self {
        let parent = file
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new("."));
        self.whole = self.whole.replace(folder);
        self.changes = self.changes.replace(folder);
        self
    }

    /// Plugins with these grants run.
    pub(crate) fn grants<'a>(mut self, all: impl IntoIterator<Item = &'a Grants>) -> Self {
        for grants in all {
            self.whole = self.whole.grants(grants);
            self.changes = self.changes.grants(grants);
        }
        self
    }

    /// The first step. The process has no other thread yet.
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
        tell(status, console);
        Ok(Loading {
            changes: status.is_active().then_some(self.changes),
        })
    }
}

/// The process as it is while plugins are loaded.
#[must_use]
pub(crate) struct Loading {
    changes: Option<Sandbox>,
}

impl Loading {
    /// The second step. What compiled plugins in this process has threads of its
    /// own by now: they run no plugin, and are held to the first step.
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
        failure.hint = Some("`--no-sandbox` does without the second wall".into());
        failure
    })
}

fn tell(status: SandboxStatus, console: &Console) {
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
