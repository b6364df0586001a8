//! The resources of this process: memory, open files, threads.

use std::fmt;
use std::time::Duration;

use crate::suite::memory;

/// When caches are filled. Nothing may grow after this time.
const WARM: Duration = Duration::from_secs(60);

/// How far memory may be from its median, in percent.
const BAND: usize = 10;

/// The resources at one moment. None where the system does not report them.
#[derive(Clone, Copy)]
pub(super) struct Level {
    /// Resident memory, in bytes.
    memory: Option<usize>,
    files: Option<usize>,
    threads: Option<usize>,
}

impl Level {
    fn now() -> Self {
        let entries = |folder| Some(std::fs::read_dir(folder).ok()?.count());
        Self {
            memory: memory::resident("self"),
            files: entries("/proc/self/fd"),
            threads: entries("/proc/self/task"),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            memory,
            files,
            threads,
        } = self;
        let (Some(memory), Some(files), Some(threads)) = (memory, files, threads) else {
            return f.write_str("this system does not say what is held");
        };
        let mebibytes = memory >> 20;
        write!(f, "{mebibytes} MiB, {files} open files, {threads} threads")
    }
}

/// The resources, second by second.
pub(super) struct Levels {
    warm: Duration,
    early: Vec<Level>,
    late: Vec<Level>,
}

impl Levels {
    /// For a run of this length. It is warm after a minute, or after a tenth of a
    /// short run.
    pub(super) fn new(time: Duration) -> Self {
        Self {
            warm: WARM.min(time / 10),
            early: Vec::new(),
            late: Vec::new(),
        }
    }

    pub(super) fn look(&mut self, elapsed: Duration) -> Level {
        let level = Level::now();
        let levels = if elapsed <= self.warm {
            &mut self.early
        } else {
            &mut self.late
        };
        levels.push(level);
        level
    }

    /// The least, the median and the greatest memory after warming up.
    fn memory(&self) -> Option<(usize, usize, usize)> {
        let mut memory: Vec<_> = self.late.iter().filter_map(|level| level.memory).collect();
        memory.sort_unstable();
        let median = *memory.get(memory.len() / 2)?;
        Some((*memory.first()?, median, *memory.last()?))
    }

    /// The greatest value before and after warming up.
    fn most(&self, of: impl Fn(&Level) -> Option<usize>) -> Option<(usize, usize)> {
        let most = |levels: &[Level]| levels.iter().filter_map(&of).max();
        Some((most(&self.early)?, most(&self.late)?))
    }

    /// What has grown, in words.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some((least, median, most)) = self.memory() {
            let band = median / 100 * BAND;
            if most > median + band || least + band < median {
                faults.push(format!("memory is not flat to within {BAND} %"));
            }
        }
        for (name, most) in [
            ("open files", self.most(|level| level.files)),
            ("threads", self.most(|level| level.threads)),
        ] {
            if let Some((before, after)) = most
                && after > before
            {
                faults.push(format!("{after} {name}, and {before} at first"));
            }
        }
        faults
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((least, median, most)) = self.memory() else {
            return writeln!(f, "memory: this system does not say");
        };
        let kibibytes = [least, median, most].map(|bytes| bytes >> 10);
        let [least, median, most] = kibibytes;
        writeln!(
            f,
            "memory after {:?}: {least} to {most} KiB, median {median}",
            self.warm
        )?;
        for (name, most) in [
            ("open files", self.most(|level| level.files)),
            ("threads", self.most(|level| level.threads)),
        ] {
            if let Some((before, after)) = most {
                writeln!(f, "{name}: at most {before} until then, {after} after")?;
            }
        }
        Ok(())
    }
}
