//! Reports what a guest was denied in granted folders. wasmtime-wasi itself denies access;
//! this finds out which folder a denial is about.

use std::sync::Arc;

use wasmtime_wasi::filesystem::Dir;

use crate::wasi::network::Guard;
use crate::{Denial, FolderAccess, FolderGrant};

/// Maximum characters of a path in a report.
const MAX_PATH: usize = 256;

/// The granted folders of one instance. Their indices are in the order of the grants.
pub(crate) struct Folders {
    granted: Vec<FolderGrant>,
    opened: Arc<[Dir]>,
    reported: Vec<Reported>,
}

/// Which denials were reported for a folder.
#[derive(Clone, Copy, Default)]
struct Reported {
    change: bool,
    escape: bool,
}

/// The index of a folder, and a path relative to it or to a folder inside it.
pub(crate) type FolderPath<'a> = (usize, &'a str);

impl Folders {
    pub(crate) fn new(granted: &[FolderGrant], opened: &Arc<[Dir]>) -> Self {
        Self {
            granted: granted.to_vec(),
            opened: opened.clone(),
            reported: vec![Reported::default(); granted.len()],
        }
    }

    /// Iterates over the open folders and their guest paths.
    pub(crate) fn opened(&self) -> impl Iterator<Item = (&Dir, &str)> {
        let names = self.granted.iter().map(|folder| &*folder.guest);
        self.opened.iter().zip(names)
    }

    /// Reports a denied operation on these paths. `changes`: it would have changed something.
    pub(crate) fn report(&mut self, guard: &Guard, changes: bool, paths: &[FolderPath<'_>]) {
        if !(changes && self.report_read_only(guard, paths)) {
            self.report_escape(guard, changes, paths);
        }
    }

    /// Reports the first path in a read-only folder. Returns whether there is one.
    fn report_read_only(&mut self, guard: &Guard, paths: &[FolderPath<'_>]) -> bool {
        let Self {
            granted, reported, ..
        } = self;
        let mut folders = paths.iter().filter_map(|(folder, _)| {
            let grant = granted.get(*folder)?;
            Some((grant, reported.get(*folder)?, *folder))
        });
        let read_only = folders.find(|(grant, ..)| grant.access == FolderAccess::ReadOnly);
        let Some((grant, was_reported, folder)) = read_only else {
            return false;
        };
        if !was_reported.change {
            guard.report(Denial::Change(&grant.with_write_access()));
            reported[folder].change = true;
        }
        true
    }

    /// Reports the first path that leads out of its folder. A denied operation that only
    /// reads always has such a path; a denied change may also have been denied by the system.
    fn report_escape(&mut self, guard: &Guard, changes: bool, paths: &[FolderPath<'_>]) {
        let mut out = paths.iter().filter(|(_, path)| !changes || leads_out(path));
        let Some((folder, path)) = out.next() else {
            return;
        };
        let Some(granted) = self.granted.get(*folder) else {
            return;
        };
        if !std::mem::replace(&mut self.reported[*folder].escape, true) {
            let path: String = path.chars().take(MAX_PATH).collect();
            guard.report(Denial::WayOut {
                folder: granted,
                path: &path,
            });
        }
    }
}

/// Whether a path leads out of its folder by its components alone, without symbolic links.
fn leads_out(path: &str) -> bool {
    let mut depth = 0_usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    path.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_beyond_their_start_lead_out() {
        for (path, out) in [
            ("a", false),
            ("a/../b", false),
            ("./a//b/..", false),
            ("..a", false),
            ("..", true),
            ("../a", true),
            ("a/../../b", true),
            ("./..", true),
            ("/a", true),
        ] {
            assert_eq!(leads_out(path), out, "{path}");
        }
    }
}
