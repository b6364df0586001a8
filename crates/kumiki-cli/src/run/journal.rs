//! What a run needs to go on where it stopped: kept beside the file that it
//! writes, and renewed every second, so that a run that is killed has lost
//! no more than that.
//!
//! It is written after the results that it speaks of, never before: what the
//! file has beyond them is cut off when the run goes on.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
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

/// The most of anything that a run counts. What is beyond it was never counted.
const MOST: u64 = 1 << 60;

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

    /// What was kept, in at most `longest` bytes.
    ///
    /// # Errors
    /// When it cannot be read, is longer, or is no state.
    pub(crate) fn read(file: impl Read, longest: u64) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.take(longest + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > longest {
            let why = format!("it has over {longest} bytes, more than a state of this run");
            return Err(io::Error::other(why));
        }
        let state: Self = serde_json::from_slice(&bytes)?;
        let Mark {
            input,
            read,
            records,
        } = state.mark;
        let counts = [input as u64, read, records, state.bytes, state.failed];
        match counts.iter().any(|count| *count > MOST) {
            true => Err(io::Error::other("it has a count that no run comes to")),
            false => Ok(state),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(state: &State, longest: u64) -> io::Result<State> {
        State::read(&*serde_json::to_vec_pretty(state).unwrap(), longest)
    }

    #[test]
    fn counts_beyond_all_bounds_are_refused() {
        let good = State::new(Identity::new());
        assert_eq!(read(&good, 1000).unwrap(), good);
        let changes: [fn(&mut State); 5] = [
            |state| state.mark.input = usize::MAX,
            |state| state.mark.read = u64::MAX,
            |state| state.mark.records = u64::MAX,
            |state| state.bytes = u64::MAX,
            |state| state.failed = u64::MAX,
        ];
        for change in changes {
            let mut state = good.clone();
            change(&mut state);
            let error = read(&state, 1000).unwrap_err().to_string();
            assert_eq!(error, "it has a count that no run comes to");
        }
    }

    #[test]
    fn a_state_that_is_too_long_is_refused() {
        let mut state = State::new(Identity::new());
        state.identity.insert("x".repeat(1000), String::new());
        assert!(read(&state, 2000).is_ok());
        let error = read(&state, 1000).unwrap_err().to_string();
        assert!(error.contains("over 1000 bytes"), "{error}");
    }
}
