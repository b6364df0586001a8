//! `kumiki build --watch`: rebuilds whenever a source changes, until interrupted.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kumiki_build::{may_be_source, source_folders};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::build::{once, read, report, tools};
use crate::arguments::BuildArguments;
use crate::console::{Console, escape, print_failure};
use crate::failure::{Failure, written};

/// Changes within this time count as one: editors write a file in several steps, and
/// version control writes many files.
const DEBOUNCE: Duration = Duration::from_millis(150);

pub(crate) fn watch(arguments: &BuildArguments) -> Result<ExitCode, Failure> {
    let (tools, console) = (tools()?, Console::new(false, 0));
    let (sender, changes) = channel();
    // The send fails only when this function has returned.
    let watcher = notify::recommended_watcher(move |event| {
        let _ = sender.send(event);
    });
    let watcher = watcher.map_err(|error| cannot_watch(&arguments.folder, error))?;
    let mut sources = Sources {
        watcher,
        watched: HashSet::new(),
        roots: Vec::new(),
    };
    let mut first = true;
    loop {
        // Before the build, so that no change during the build is missed.
        sources.watch(&arguments.folder)?;
        match once(arguments, &tools, &console) {
            // A change that leaves the component unchanged is not reported.
            Ok(built) if built.fresh && !first => {}
            Ok(built) => written("what was built", report(&built))?,
            Err(failure) => print_failure(&failure),
        }
        if first {
            let folder = arguments.folder.display();
            console.notice(escape(&format!("watching {folder}; press Ctrl-C to stop")));
        }
        first = false;
        if !sources.wait(&changes) {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// The source folders and their watcher.
struct Sources {
    watcher: RecommendedWatcher,
    watched: HashSet<PathBuf>,
    roots: Vec<PathBuf>,
}

impl Sources {
    /// Watches every folder that now has sources, but not build output, such as the
    /// thousand folders under `target`.
    fn watch(&mut self, folder: &Path) -> Result<(), Failure> {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        self.roots = vec![folder.clone()];
        // An unreadable project may be fixed by the next change.
        if let Ok(project) = read(&folder)
            && let Ok(wit) = project.wit.canonicalize()
            && !wit.starts_with(&folder)
        {
            self.roots.push(wit);
        }
        for root in &self.roots {
            let folders = if root.is_dir() {
                source_folders(root).unwrap_or_else(|_| vec![root.clone()])
            } else {
                vec![root.clone()]
            };
            for folder in folders {
                if self.watched.insert(folder.clone()) {
                    self.watcher
                        .watch(&folder, RecursiveMode::NonRecursive)
                        .map_err(|error| cannot_watch(&folder, error))?;
                }
            }
        }
        Ok(())
    }

    /// Waits for a source to change and for changes to settle. Returns false if no more
    /// changes can come.
    fn wait(&self, changes: &Receiver<notify::Result<Event>>) -> bool {
        loop {
            let Ok(event) = changes.recv() else {
                return false;
            };
            if self.concerns(&event) {
                while changes.recv_timeout(DEBOUNCE).is_ok() {}
                return true;
            }
        }
    }

    fn concerns(&self, event: &notify::Result<Event>) -> bool {
        let Ok(event) = event else {
            // Events may have been lost, so rebuild to be safe.
            return true;
        };
        let is_source = |path: &PathBuf| {
            let mut roots = self.roots.iter();
            roots.any(|root| path.starts_with(root) && may_be_source(root, path))
        };
        !event.kind.is_access() && event.paths.iter().any(is_source)
    }
}

fn cannot_watch(folder: &Path, error: notify::Error) -> Failure {
    Failure::failed(format!("cannot watch `{}`", folder.display())).because(error)
}
