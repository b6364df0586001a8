//! The resources of this process: memory, open files, threads.

use std::fmt;
use std::time::Duration;

use crate::suite::memory;

/// The time after which caches are filled. Nothing may grow after it.
const WARM: Duration = Duration::from_secs(60);

/// The maximum deviation of memory from its median, and the maximum rise of the median
/// of files and threads, in percent.
const BAND: usize = 10;

/// An increase of files or threads that never counts as a leak.
const SPARE: usize = 8;

/// The resources at one moment. None if the system does not report them.
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
            return f.write_str("this system does not report resources");
        };
        let mebibytes = memory >> 20;
        write!(f, "{mebibytes} MiB, {files} open files, {threads} threads")
    }
}

/// The change of the number of files or threads since warming up.
struct Trend {
    first: usize,
    last: usize,
    most: usize,
}

fn median(values: &[usize]) -> Option<usize> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// The resources after warming up, one measurement per second.
pub(super) struct Levels {
    warm: Duration,
    late: Vec<Level>,
}

impl Levels {
    /// For a run of this length. Warming up takes a minute, or a tenth of a shorter
    /// run.
    pub(super) fn new(time: Duration) -> Self {
        Self {
            warm: WARM.min(time / 10),
            late: Vec::new(),
        }
    }

    pub(super) fn look(&mut self, elapsed: Duration) -> Level {
        let level = Level::now();
        if elapsed > self.warm {
            self.late.push(level);
        }
        level
    }

    /// The minimum, median and maximum memory after warming up.
    fn memory(&self) -> Option<(usize, usize, usize)> {
        let mut memory: Vec<_> = self.late.iter().filter_map(|level| level.memory).collect();
        memory.sort_unstable();
        let median = *memory.get(memory.len() / 2)?;
        Some((*memory.first()?, median, *memory.last()?))
    }

    /// The median of the first third after warming up, that of the last third, and the
    /// maximum. Attackers that happen to use their limits at the same time cause peaks;
    /// only a leak raises the median.
    fn trend(&self, of: impl Fn(&Level) -> Option<usize>) -> Option<Trend> {
        let values: Vec<_> = self.late.iter().filter_map(&of).collect();
        let third = values.len() / 3;
        Some(Trend {
            first: median(&values[..third])?,
            last: median(&values[values.len() - third..])?,
            most: *values.iter().max()?,
        })
    }

    fn trends(&self) -> [(&'static str, Option<Trend>); 2] {
        [
            ("open files", self.trend(|level| level.files)),
            ("threads", self.trend(|level| level.threads)),
        ]
    }

    /// Describes what has grown.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some((least, median, most)) = self.memory() {
            let band = median / 100 * BAND;
            if most > median + band || least + band < median {
                faults.push(format!("memory is not constant within {BAND} %"));
            }
        }
        for (name, trend) in self.trends() {
            if let Some(Trend { first, last, .. }) = trend
                && last > first + first / 100 * BAND + SPARE
            {
                faults.push(format!("{last} {name} at the end, {first} at the start"));
            }
        }
        faults
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((least, median, most)) = self.memory() else {
            return writeln!(f, "memory: not reported by this system");
        };
        let kibibytes = [least, median, most].map(|bytes| bytes >> 10);
        let [least, median, most] = kibibytes;
        writeln!(
            f,
            "memory after {:?}: {least} to {most} KiB, median {median}",
            self.warm
        )?;
        for (name, trend) in self.trends() {
            if let Some(Trend { first, last, most }) = trend {
                writeln!(
                    f,
                    "{name}: median {first} in the first third, {last} in the last, {most} at most"
                )?;
            }
        }
        Ok(())
    }
}
