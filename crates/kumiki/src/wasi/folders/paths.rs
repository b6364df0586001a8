//! What a guest was denied in granted folders: which folder it was, so that a
//! person can be told. WASI itself denies what was not granted.

use std::sync::Arc;

use wasmtime_wasi::filesystem::Dir;

use crate::wasi::network::Guard;
use crate::{Denial, FolderAccess, FolderGrant};

/// How much of a path is told, in characters.
const PATH: usize = 256;

/// The folders of one instance, by their numbers in the order in which they
/// were granted.
pub(crate) struct Folders {
    granted: Vec<FolderGrant>,
    /// The same, open.
    opened: Arc<[Dir]>,
    told: Vec<Told>,
}

#[derive(Clone, Copy, Default)]
struct Told {
    change: bool,
    way_out: bool,
}

/// A path, and the number of the folder that it begins in.
pub(crate) type FolderPath<'a> = (usize, &'a str);

impl Folders {
    pub(crate) fn new(granted: &[FolderGrant], opened: &Arc<[Dir]>) -> Self {
        Self {
            granted: granted.to_vec(),
            opened: opened.clone(),
            told: vec![Told::default(); granted.len()],
        }
    }

    /// Each folder, open, and the name that the guest knows it by.
    pub(crate) fn opened(&self) -> impl Iterator<Item = (&Dir, &str)> {
        let names = self.granted.iter().map(|folder| &*folder.guest);
        self.opened.iter().zip(names)
    }

    /// Tells of a denial: `changes` is whether the guest wanted to change
    /// something.
    pub(crate) fn denied(&mut self, guard: &Guard, changes: bool, paths: &[FolderPath<'_>]) {
        if !(changes && self.read_only(guard, paths)) {
            self.way_out(guard, changes, paths);
        }
    }

    /// Tells of the first of these paths that may only be read, if one is.
    fn read_only(&mut self, guard: &Guard, paths: &[FolderPath<'_>]) -> bool {
        let Self { granted, told, .. } = self;
        let mut folders = paths.iter().filter_map(|(folder, _)| {
            let grant = granted.get(*folder)?;
            Some((grant, told.get(*folder)?, *folder))
        });
        let read_only = folders.find(|(grant, ..)| grant.access == FolderAccess::ReadOnly);
        let Some((grant, was_told, folder)) = read_only else {
            return false;
        };
        if !was_told.change {
            guard.tell(Denial::Change(&grant.to_change()));
            told[folder].change = true;
        }
        true
    }

    /// Tells of the first of these paths that leads out of its folder. What
    /// only reads is permitted everywhere else; what changes may also be denied
    /// by the system.
    fn way_out(&mut self, guard: &Guard, changes: bool, paths: &[FolderPath<'_>]) {
        let mut out = paths.iter().filter(|(_, path)| !changes || leads_out(path));
        let Some((folder, path)) = out.next() else {
            return;
        };
        let Some(granted) = self.granted.get(*folder) else {
            return;
        };
        if !std::mem::replace(&mut self.told[*folder].way_out, true) {
            let path: String = path.chars().take(PATH).collect();
            guard.tell(Denial::WayOut {
                folder: granted,
                path: &path,
            });
        }
    }
}

/// Whether a path leads out of its folder by what it says; a link may lead
/// anywhere.
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
    fn which_paths_lead_out() {
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
