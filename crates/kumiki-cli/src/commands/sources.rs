//! Watches the sources of a project, for the commands that build again after each
//! change.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use kumiki_build::{may_be_source, source_folders};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::build::read;
use crate::failure::Failure;

/// Changes within this time count as one: editors write a file in several steps, and
/// version control writes many files.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// A change counts as settled after this time, even if more changes follow.
const LONGEST: Duration = Duration::from_secs(2);

/// A change of one or more files.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// When it was noticed.
    pub(super) at: Instant,
    /// Whether a source changed, and not only an additional file.
    pub(super) sources: bool,
    /// One of the files, if it is known.
    pub(super) path: Option<PathBuf>,
}

/// The source folders of a project and their watcher.
pub(super) struct Sources {
    folder: PathBuf,
    watcher: RecommendedWatcher,
    changes: Receiver<(Instant, notify::Result<Event>)>,
    watched: HashSet<PathBuf>,
    roots: Vec<PathBuf>,
    /// An additional file.
    file: Option<PathBuf>,
    /// A change that [`Sources::have_changed`] noticed.
    pending: Option<Change>,
}

impl Sources {
    /// The sources of the project in `folder`. Nothing is watched yet.
    pub(super) fn new(folder: &Path) -> Result<Self, Failure> {
        let (sender, changes) = channel();
        // The send fails only when the receiver is gone.
        let watcher = notify::recommended_watcher(move |event| {
            let _ = sender.send((Instant::now(), event));
        });
        Ok(Self {
            folder: folder.to_owned(),
            watcher: watcher.map_err(|error| cannot_watch(folder, error))?,
            changes,
            watched: HashSet::new(),
            roots: Vec::new(),
            file: None,
            pending: None,
        })
    }

    /// Also watches a file, which need not be a source.
    pub(super) fn with_file(mut self, file: &Path) -> Result<Self, Failure> {
        // Its folder, because editors replace files.
        let folder = match file.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        self.file = Some(folder.join(file.file_name().unwrap_or(OsStr::new(""))));
        self.watch_folder(folder)?;
        Ok(self)
    }

    /// Watches every folder that now has sources, but not build output, such as the
    /// thousand folders under `target`.
    pub(super) fn watch(&mut self) -> Result<(), Failure> {
        let folder = &self.folder;
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        let mut roots = vec![folder.clone()];
        // An unreadable project may be fixed by the next change.
        if let Ok(project) = read(&folder)
            && let Ok(wit) = project.wit.canonicalize()
            && !wit.starts_with(&folder)
        {
            roots.push(wit);
        }
        for root in &roots {
            let folders = if root.is_dir() {
                source_folders(root).unwrap_or_else(|_| vec![root.clone()])
            } else {
                vec![root.clone()]
            };
            for folder in folders {
                self.watch_folder(folder)?;
            }
        }
        self.roots = roots;
        Ok(())
    }

    fn watch_folder(&mut self, folder: PathBuf) -> Result<(), Failure> {
        if self.watched.contains(&folder) {
            return Ok(());
        }
        self.watcher
            .watch(&folder, RecursiveMode::NonRecursive)
            .map_err(|error| cannot_watch(&folder, error))?;
        self.watched.insert(folder);
        Ok(())
    }

    /// Waits for a change and for changes to settle. Returns none if no more changes can
    /// come.
    pub(super) fn wait(&mut self) -> Option<Change> {
        let mut change = match self.pending.take() {
            Some(change) => change,
            None => loop {
                let (at, event) = self.changes.recv().ok()?;
                if let Some(change) = self.change(at, &event) {
                    break change;
                }
            },
        };
        let start = Instant::now();
        while start.elapsed() < LONGEST
            && let Ok((at, event)) = self.changes.recv_timeout(DEBOUNCE)
        {
            let Some(more) = self.change(at, &event) else {
                continue;
            };
            change.sources |= more.sources;
            // Editors also create and remove temporary files.
            if more.path.as_ref().is_some_and(|path| path.exists()) {
                change.path = more.path;
            }
        }
        Some(change)
    }

    /// Ignores the changes that the build made itself: cargo completes its lock file.
    pub(super) fn ignore_lock_file(&mut self) {
        while let Ok((at, event)) = self.changes.try_recv() {
            let Some(change) = self.change(at, &event) else {
                continue;
            };
            let is_lock_file = |path: &PathBuf| path.file_name() == Some(OsStr::new("Cargo.lock"));
            if change.path.as_ref().is_some_and(is_lock_file) {
                continue;
            }
            match &mut self.pending {
                Some(pending) => pending.sources |= change.sources,
                none => *none = Some(change),
            }
        }
    }

    /// Whether something has changed since the last [`Sources::wait`], which then
    /// returns that change.
    pub(super) fn have_changed(&mut self) -> bool {
        while self.pending.is_none()
            && let Ok((at, event)) = self.changes.try_recv()
        {
            self.pending = self.change(at, &event);
        }
        self.pending.is_some()
    }

    /// The change that an event reports, if a watched file changed.
    fn change(&self, at: Instant, event: &notify::Result<Event>) -> Option<Change> {
        let Ok(event) = event else {
            // Events may have been lost, so rebuild to be safe.
            return Some(Change {
                at,
                sources: true,
                path: None,
            });
        };
        if event.kind.is_access() {
            return None;
        }
        let is_source = |path: &&PathBuf| {
            let mut roots = self.roots.iter();
            roots.any(|root| path.starts_with(root) && may_be_source(root, path))
        };
        let source = event.paths.iter().find(is_source);
        let is_file = |path: &&PathBuf| Some(*path) == self.file.as_ref();
        let path = source.or_else(|| event.paths.iter().find(is_file))?;
        Some(Change {
            at,
            sources: source.is_some(),
            path: Some(path.clone()),
        })
    }
}

fn cannot_watch(folder: &Path, error: notify::Error) -> Failure {
    Failure::failed(format!("cannot watch `{}`", folder.display())).because(error)
}
