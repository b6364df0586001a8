//! Notices files that change during each build, so that builds never end.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The builds in a row after which a file is reported.
const BUILDS: u32 = 4;

/// For each file, the number of builds up to the last one during which it changed.
#[derive(Default)]
pub(super) struct Repeats {
    builds: HashMap<PathBuf, u32>,
    is_reported: bool,
}

impl Repeats {
    /// Adds the files that changed during a build. Returns a file to report, at most
    /// once.
    pub(super) fn add<'a>(&mut self, changed: &'a [PathBuf]) -> Option<&'a Path> {
        let last = std::mem::take(&mut self.builds);
        let mut often = None;
        for path in changed {
            let builds = last.get(path).unwrap_or(&0) + 1;
            self.builds.insert(path.clone(), builds);
            if builds >= BUILDS {
                often = Some(path.as_path());
            }
        }
        let often = often.filter(|_| !self.is_reported);
        self.is_reported |= often.is_some();
        often
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_in_each_build_is_reported_once() {
        let mut repeats = Repeats::default();
        let [a, b] = ["a", "b"].map(PathBuf::from);
        let both = [a.clone(), b.clone()];
        for _ in 1..BUILDS {
            assert_eq!(repeats.add(&both), None);
        }
        // Not in this build.
        assert_eq!(repeats.add(&[]), None);
        for _ in 1..BUILDS {
            assert_eq!(repeats.add(std::slice::from_ref(&a)), None);
        }
        assert_eq!(repeats.add(&both), Some(a.as_path()));
        assert_eq!(repeats.add(&both), None, "already reported");
    }
}
