//! What a run needs to go on where it stopped: kept beside the file that it
//! writes, and renewed every second, so that a run that is killed has lost
//! no more than that.
//!
//! It is written after the results that it speaks of, never before: what the
//! file has beyond them is cut off when the run goes on.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::files::{Folder, behind};

/// How far a run has come in its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Which of the inputs it is in, from 0.
    pub(crate) input: usize,
    /// How many lines or rows of that one were read.
    pub(crate) read: u64,
    /// How many records there were up to there, over all input.
    pub(crate) records: u64,
}

/// What makes two runs the same: what each is called, and what it was.
pub(crate) type Identity = BTreeMap<String, String>;

/// What is kept of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// What the results depend on.
    pub(crate) identity: Identity,
    /// Which file it is, whatever it is called.
    pub(crate) file: u64,
    /// How many bytes of the file are good.
    pub(crate) bytes: u64,
    pub(crate) mark: Mark,
    /// How many results are missing among them.
    pub(crate) failed: u64,
}

/// Keeps the state.
pub(crate) struct Journal {
    folder: Folder,
    name: OsString,
    state: State,
    /// When it is to be renewed.
    due: Instant,
}

/// How often the state is renewed.
const EVERY: Duration = Duration::from_secs(1);

/// The part of a run's time that renewing it may cost: one of so many.
const SHARE: u32 = 20;

/// The longest state that is read, in bytes: it has a line for each plugin and
/// input.
const LONGEST: u64 = 64 << 20;

/// The name under which the state of a file is kept that is not whole yet.
pub(crate) fn place(part: &OsStr) -> OsString {
    behind(part, ".json")
}

impl State {
    pub(crate) fn new(identity: Identity) -> Self {
        Self {
            identity,
            file: 0,
            bytes: 0,
            mark: Mark::default(),
            failed: 0,
        }
    }

    /// What was kept.
    ///
    /// # Errors
    /// When it cannot be read, or is no state.
    pub(crate) fn read(file: &File) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

impl Journal {
    pub(crate) fn new(folder: Folder, name: OsString, state: State) -> Self {
        Self {
            folder,
            name,
            state,
            due: Instant::now() + EVERY,
        }
    }

    /// The file that it is about.
    pub(super) fn is_of(&mut self, number: u64) {
        self.state.file = number;
    }

    /// Whether it is time to renew the state.
    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Keeps how far the run has come; all of it is on the disk since `start`.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep(
        &mut self,
        start: Instant,
        bytes: u64,
        mark: Mark,
        failed: u64,
    ) -> io::Result<()> {
        self.state.bytes = bytes;
        self.state.mark = mark;
        self.state.failed = failed;
        let name = behind(&self.name, ".new");
        let mut file = self.folder.create(&name)?;
        file.write_all(&serde_json::to_vec_pretty(&self.state)?)?;
        file.sync_data()?;
        self.folder.rename(&file, &name, &self.name)?;
        self.due = Instant::now() + EVERY.max(start.elapsed() * SHARE);
        Ok(())
    }

    /// There is nothing to go on with any more.
    pub(super) fn remove(&self) -> io::Result<()> {
        self.folder.remove(&self.name)
    }
}
