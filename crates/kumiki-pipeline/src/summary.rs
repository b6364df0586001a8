//! The result of a run.

use kumiki_text::Usage;

use crate::diagnostic::Location;

/// The result of a run.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Number of records of this run. Lines that gave no record count.
    pub records: u64,
    /// Number of results that are missing in this run because a plugin, a line
    /// or a file failed.
    pub failed: u64,
    /// Number of results that were missing before this run continued an earlier
    /// one.
    pub failed_before: u64,
    /// The place of the last record.
    pub last: Option<Location>,
    /// Whether the run ended at an [`Interrupt`](crate::Interrupt).
    pub interrupted: bool,
    /// What each plugin used, summed over all workers; `None` for a plugin that
    /// was not measured.
    pub usages: Vec<Option<Usage>>,
}

/// What each plugin used, of those that were measured.
pub(crate) type Usages = Vec<Option<Usage>>;

/// Adds what the plugins of one worker used.
pub(crate) fn merge(all: &mut Usages, of_worker: Usages) {
    all.resize(all.len().max(of_worker.len()), None);
    for (all, one) in all.iter_mut().zip(of_worker) {
        match (all, one) {
            (Some(all), Some(one)) => all.merge(&one),
            (all, one) => *all = all.take().or(one),
        }
    }
}
