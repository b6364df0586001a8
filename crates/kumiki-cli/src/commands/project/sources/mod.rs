//! Watches the sources of a project, for the commands that build again after each
//! change.
//!
//! Events of the file system only say where to look. Something has changed if the
//! content of a file has: a build may write its own sources again, with the same content.

mod repeats;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf, absolute};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use kumiki_build::{may_be_source, source_folders};
use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use self::repeats::Repeats;
use self::snapshot::Snapshot;
use super::read::read;
use crate::console::{Console, escape};
use crate::failure::Failure;

/// Changes within this time count as one: editors write a file in several steps, and
/// version control writes many files.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// A change counts as settled after this time, even if more changes follow.
const LONGEST: Duration = Duration::from_secs(2);

/// How often is checked whether a missing folder is there again.
const POLL: Duration = Duration::from_millis(200);

/// A change of one or more files.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// When it was noticed.
    pub(crate) at: Instant,
    /// Whether a source changed, and not only an additional file.
    pub(crate) sources: bool,
    /// One of the files, if it is known.
    pub(crate) path: Option<PathBuf>,
}

/// A change that has not been returned yet.
struct Pending {
    at: Instant,
    /// The changed files, and whether each was there at the last round. Of the others,
    /// those that are gone were temporary.
    paths: BTreeMap<PathBuf, bool>,
}

/// What events have named since the last look at the files.
#[derive(Default)]
struct Touched {
    /// When the first of them came.
    at: Option<Instant>,
    paths: HashSet<PathBuf>,
    /// Events were lost, so each file may have changed.
    all: bool,
}

/// The source folders of a project and their watcher.
pub(crate) struct Sources {
    /// The absolute path of the project.
    folder: PathBuf,
    /// The current folder, to return to it if it is created again.
    current: Option<PathBuf>,
    watcher: RecommendedWatcher,
    changes: Receiver<(Instant, notify::Result<Event>)>,
    watched: HashSet<PathBuf>,
    /// Folders that would be watched if they were there.
    missing: Vec<PathBuf>,
    /// The project's folder, and its WIT if that is elsewhere.
    roots: Vec<PathBuf>,
    /// An additional file.
    file: Option<PathBuf>,
    snapshot: Snapshot,
    touched: Touched,
    pending: Option<Pending>,
    repeats: Repeats,
    /// The last build failed before this time. After it, a file that is written again
    /// without a change starts another attempt.
    failed: Option<Instant>,
    is_gone: bool,
}

impl Sources {
    /// The sources of the project in `folder`. Nothing is watched yet.
    pub(crate) fn new(folder: &Path) -> Result<Self, Failure> {
        let (sender, changes) = channel();
        // The send fails only when the receiver is gone.
        let watcher = notify::recommended_watcher(move |event| {
            let _ = sender.send((Instant::now(), event));
        });
        Ok(Self {
            folder: absolute(folder).unwrap_or_else(|_| folder.to_owned()),
            current: env::current_dir().ok(),
            watcher: watcher.map_err(|error| cannot_watch(folder, error))?,
            changes,
            watched: HashSet::new(),
            missing: Vec::new(),
            roots: Vec::new(),
            file: None,
            snapshot: Snapshot::default(),
            touched: Touched::default(),
            pending: None,
            repeats: Repeats::default(),
            failed: None,
            is_gone: false,
        })
    }

    /// Also watches a file, which need not be a source.
    pub(crate) fn with_file(mut self, file: &Path) -> Self {
        // Its folder, because editors replace files.
        let folder = match file.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        self.file = Some(folder.join(file.file_name().unwrap_or(OsStr::new(""))));
        self
    }

    /// Begins to watch.
    pub(crate) fn watch(&mut self) -> Result<(), Failure> {
        self.refresh(&Touched::default()).map(drop)
    }

    /// Waits for a change and for changes to settle. Returns none if no more changes can
    /// come. While the project's folder is missing, it waits for it to return.
    pub(crate) fn wait(&mut self, console: &Console) -> Result<Option<Change>, Failure> {
        loop {
            if (self.pending.is_none() || self.is_gone(console)) && !self.receive() {
                return Ok(None);
            }
            self.settle();
            self.look()?;
            if !self.is_gone(console)
                && let Some(pending) = self.pending.take()
            {
                return Ok(Some(self.change(pending)));
            }
        }
    }

    /// Says that a build has ended. What it wrote counts as a change, except for cargo's
    /// lock file, which cargo completes.
    pub(crate) fn built(&mut self, worked: bool, console: &Console) {
        self.failed = (!worked).then(|| Instant::now() + 4 * DEBOUNCE);
        self.drain();
        let at = self.touched.at.unwrap_or_else(Instant::now);
        let touched = std::mem::take(&mut self.touched);
        // The next `wait` returns an error.
        let Ok(mut changed) = self.refresh(&touched) else {
            return;
        };
        changed.retain(|(path, _)| path.file_name() != Some(OsStr::new("Cargo.lock")));
        let paths: Vec<_> = changed.iter().map(|(path, _)| path.clone()).collect();
        if let Some(path) = self.repeats.add(&paths) {
            let path = path.strip_prefix(&self.roots[0]).unwrap_or(path);
            console.notice(escape(&format!(
                "`{}` has changed during several builds in a row, and each change starts \
                 another build; if the build writes this file, let it write to another folder",
                path.display()
            )));
        }
        self.add(at, changed);
    }

    /// Whether something has changed since the last [`Sources::wait`], which then
    /// returns that change.
    pub(crate) fn have_changed(&mut self) -> bool {
        self.drain();
        if self.pending.is_none() && self.touched.at.is_some() && self.look().is_err() {
            // The next `wait` returns the error.
            return true;
        }
        self.pending.is_some()
    }

    /// Waits for an event that names a source, or for a missing folder. Returns false if
    /// no more events can come.
    fn receive(&mut self) -> bool {
        loop {
            let next = match self.missing.is_empty() {
                true => self.changes.recv().map_err(RecvTimeoutError::from),
                false => self.changes.recv_timeout(POLL),
            };
            match next {
                Ok((at, event)) => {
                    if self.note(at, event) {
                        return true;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if self.missing.iter().any(|folder| folder.exists()) {
                        return true;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// Waits until no more events come.
    fn settle(&mut self) {
        let start = Instant::now();
        while start.elapsed() < LONGEST
            && let Ok((at, event)) = self.changes.recv_timeout(DEBOUNCE)
        {
            self.note(at, event);
        }
    }

    /// Takes the events that have come.
    fn drain(&mut self) {
        while let Ok((at, event)) = self.changes.try_recv() {
            self.note(at, event);
        }
    }

    /// Keeps what an event names. Returns whether that is of interest.
    fn note(&mut self, at: Instant, event: notify::Result<Event>) -> bool {
        let event = match event {
            Ok(event) if !event.need_rescan() => event,
            _ => {
                self.watched.clear();
                self.touched.all = true;
                self.touched.at.get_or_insert(at);
                return true;
            }
        };
        if event.kind.is_access() {
            return false;
        }
        if matches!(
            event.kind,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
        ) {
            // The watcher forgets these folders.
            let is_there = |path: &PathBuf| !event.paths.iter().any(|gone| path.starts_with(gone));
            self.watched.retain(is_there);
        }
        let mut paths = event.paths;
        paths.retain(|path| self.is_source(path) || Some(path) == self.file.as_ref());
        if paths.is_empty() {
            return false;
        }
        self.touched.paths.extend(paths);
        self.touched.at.get_or_insert(at);
        true
    }

    fn is_source(&self, path: &Path) -> bool {
        let mut roots = self.roots.iter();
        roots.any(|root| path.starts_with(root) && may_be_source(root, path))
    }

    /// Looks at the files, and adds what has changed to the pending change.
    fn look(&mut self) -> Result<(), Failure> {
        let touched = std::mem::take(&mut self.touched);
        let at = touched.at.unwrap_or_else(Instant::now);
        let mut changed = self.refresh(&touched)?;
        if changed.is_empty() && self.failed.is_some_and(|failed| failed < at) {
            let files = touched.paths.into_iter();
            let files = files.filter(|path| self.snapshot.has(path));
            changed.extend(files.map(|path| (path, true)));
        }
        self.add(at, changed);
        Ok(())
    }

    fn add(&mut self, at: Instant, changed: Vec<(PathBuf, bool)>) {
        if changed.is_empty() {
            return;
        }
        let paths = BTreeMap::new();
        let pending = self.pending.get_or_insert(Pending { at, paths });
        for (path, was_there) in changed {
            // The first look since the last round knows it.
            pending.paths.entry(path).or_insert(was_there);
        }
    }

    /// Watches the folders that there are now, and returns the files that have changed,
    /// each with whether it was there before.
    fn refresh(&mut self, touched: &Touched) -> Result<Vec<(PathBuf, bool)>, Failure> {
        let roots = self.current_roots();
        let last_roots = std::mem::replace(&mut self.roots, roots);
        // Again, because a folder may have been created before its parent was watched.
        self.watch_folders()?;
        let files = self.watch_folders()?;
        let before = std::mem::take(&mut self.snapshot);
        let is_touched = |path: &Path| touched.all || touched.paths.contains(path);
        let (changed, snapshot) = before.update(files, is_touched);
        let changed = changed.into_iter();
        let changed = changed.map(|path| {
            let was_there = before.has(&path);
            (path, was_there)
        });
        // The files of another WIT are not new; `kumiki.toml` has changed.
        let is_change = |(path, was_there): &(PathBuf, bool)| {
            let mut roots = last_roots.iter();
            *was_there
                || Some(path) == self.file.as_ref()
                || roots.any(|root| path.starts_with(root))
        };
        let changed = changed.filter(is_change).collect();
        self.snapshot = snapshot;
        Ok(changed)
    }

    fn current_roots(&self) -> Vec<PathBuf> {
        let folder = &self.folder;
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        // An unreadable project may be fixed by the next change.
        let wit = read(&folder).ok();
        let wit = wit.and_then(|project| project.wit.canonicalize().ok());
        let wit = wit.or_else(|| self.roots.get(1).cloned());
        let wit = wit.filter(|wit| !wit.starts_with(&folder));
        [folder].into_iter().chain(wit).collect()
    }

    /// Watches every folder that now has sources, but not build output, such as the
    /// thousand folders under `target`. Returns the files in them.
    fn watch_folders(&mut self) -> Result<HashSet<PathBuf>, Failure> {
        self.missing.clear();
        let mut files = HashSet::new();
        for root in self.roots.clone() {
            // Editors replace files, so a file's folder is watched.
            if root.is_file() {
                let folder = root.parent().unwrap_or(Path::new("."));
                self.watch_folder(folder.to_owned())?;
                files.insert(root);
                continue;
            }
            let folders = source_folders(&root).unwrap_or_else(|_| vec![root.clone()]);
            for folder in folders {
                files.extend(snapshot::files(&root, &folder));
                self.watch_folder(folder)?;
            }
        }
        if let Some(file) = self.file.clone() {
            let folder = file.parent().unwrap_or(Path::new("."));
            self.watch_folder(folder.to_owned())?;
            files.insert(file);
        }
        Ok(files)
    }

    fn watch_folder(&mut self, folder: PathBuf) -> Result<(), Failure> {
        if self.watched.contains(&folder) {
            return Ok(());
        }
        match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(folder);
            }
            Err(_) if !folder.exists() => self.missing.push(folder),
            Err(error) => return Err(cannot_watch(&folder, error)),
        }
        Ok(())
    }

    /// Whether the project's folder is missing; the first time, this is said.
    fn is_gone(&mut self, console: &Console) -> bool {
        let is_gone = !self.folder.is_dir();
        if is_gone && !self.is_gone {
            let folder = self.folder.display();
            console.notice(escape(&format!(
                "`{folder}` is missing; waiting until it is there again"
            )));
        }
        self.is_gone = is_gone;
        if is_gone && let Some(pending) = &mut self.pending {
            // The time of a round does not count this wait.
            pending.at = Instant::now();
        }
        // A folder that was deleted is not the one that now has its path.
        if !is_gone
            && env::current_dir().is_err()
            && let Some(current) = &self.current
        {
            let _ = env::set_current_dir(current);
        }
        is_gone
    }

    fn change(&self, pending: Pending) -> Change {
        let is_minor = |path: &Path| {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            name.ends_with(b"~") || name == b"Cargo.lock"
        };
        let files = pending.paths.iter();
        let files = files.filter(|(path, was_there)| **was_there || self.snapshot.has(path));
        let name = files.min_by_key(|(path, _)| {
            (
                !self.snapshot.has(path),
                is_minor(path),
                !self.is_source(path),
            )
        });
        Change {
            at: pending.at,
            sources: pending.paths.keys().any(|path| self.is_source(path)),
            path: name.map(|(path, _)| path.clone()),
        }
    }
}

fn cannot_watch(folder: &Path, error: notify::Error) -> Failure {
    Failure::failed(format!("cannot watch `{}`", folder.display())).because(error)
}
