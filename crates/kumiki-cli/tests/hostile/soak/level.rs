//! The resources of this process: memory, open files, threads.

use std::fmt;
use std::time::Duration;

use crate::suite::memory;

/// When caches are filled. Nothing may grow after this time.
const WARM: Duration = Duration::from_secs(60);

/// How far memory may be from its median, and how far the median of files and threads
/// may rise, in percent.
const BAND: usize = 10;

/// How many more files or threads are no sign of a leak, however few there are.
const SPARE: usize = 8;

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

/// How a number of files or threads has changed since warming up.
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

/// The resources, second by second.
pub(super) struct Levels {
    warm: Duration,
    late: Vec<Level>,
}

impl Levels {
    /// For a run of this length. It is warm after a minute, or after a tenth of a
    /// short run.
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

    /// The least, the median and the greatest memory after warming up.
    fn memory(&self) -> Option<(usize, usize, usize)> {
        let mut memory: Vec<_> = self.late.iter().filter_map(|level| level.memory).collect();
        memory.sort_unstable();
        let median = *memory.get(memory.len() / 2)?;
        Some((*memory.first()?, median, *memory.last()?))
    }

    /// The median of the first third after warming up, that of the last third, and
    /// the greatest value. Attackers that open all they may at the same moment make
    /// peaks by chance; a leak lifts the median.
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

    /// What has grown, in words.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some((least, median, most)) = self.memory() {
            let band = median / 100 * BAND;
            if most > median + band || least + band < median {
                faults.push(format!("memory is not flat to within {BAND} %"));
            }
        }
        for (name, trend) in self.trends() {
            if let Some(Trend { first, last, .. }) = trend
                && last > first + first / 100 * BAND + SPARE
            {
                faults.push(format!("{last} {name} at the end, and {first} at first"));
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
