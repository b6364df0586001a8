//! The state of a run, kept beside the file that it writes, so that a run that
//! was interrupted or killed can be resumed.
//!
//! The state is written after the results that it describes, never before. Bytes
//! of the file beyond them are cut off when the run is resumed.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::files::folder::{Folder, with_suffix};

/// A position in the input of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The index of the current input.
    pub(crate) input: usize,
    /// Number of lines or rows of that input that were read.
    pub(crate) read: u64,
    /// Number of records up to here, over all inputs.
    pub(crate) records: u64,
}

/// Everything that the results of a run depend on: the name of each thing, and a
/// value that changes with it. A run is resumed only with the identity that it
/// began with. The names appear in [`Error::OtherRun`](crate::Error::OtherRun).
pub type RunIdentity = BTreeMap<String, String>;

/// The state of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) identity: RunIdentity,
    /// The number of the file on its device.
    pub(crate) file: u64,
    /// Bytes of the file that the state describes.
    pub(crate) bytes: u64,
    /// The position in the input that those bytes reach.
    #[serde(rename = "mark")]
    pub(crate) position: Position,
    /// Number of results that are missing among them.
    pub(crate) failed: u64,
}

/// Keeps the state of a run on the disk.
pub(crate) struct Journal {
    folder: Folder,
    name: OsString,
    state: State,
    /// When the state is to be written again.
    due: Instant,
}

/// The least time between two writes of the state. A killed run loses the work
/// of about this time.
const INTERVAL: Duration = Duration::from_secs(1);

/// Writing the state takes at most one in this many parts of the run's time.
const COST_DIVISOR: u32 = 20;

/// The highest number that a run can count to.
const MAX_COUNT: u64 = 1 << 60;

/// The name of the journal of a file that has the name `part`.
pub(crate) fn journal_name(part: &OsStr) -> OsString {
    with_suffix(part, ".json")
}

impl State {
    pub(crate) fn new(identity: RunIdentity) -> Self {
        Self {
            identity,
            file: 0,
            bytes: 0,
            position: Position::default(),
            failed: 0,
        }
    }

    /// Reads the state that an earlier run has kept, in at most `max_bytes` bytes.
    ///
    /// # Errors
    /// I/O errors, and an error if the file is longer or holds no state.
    pub(crate) fn read(file: impl Read, max_bytes: u64) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.take(max_bytes + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > max_bytes {
            let why =
                format!("it has over {max_bytes} bytes, more than the state of this run can have");
            return Err(io::Error::other(why));
        }
        let state: Self = serde_json::from_slice(&bytes)?;
        let Position {
            input,
            read,
            records,
        } = state.position;
        let counts = [input as u64, read, records, state.bytes, state.failed];
        match counts.iter().any(|count| *count > MAX_COUNT) {
            true => Err(io::Error::other("a count in it exceeds the maximum")),
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
            due: Instant::now() + INTERVAL,
        }
    }

    /// Sets the number of the file that the journal describes.
    pub(crate) fn set_file(&mut self, number: u64) {
        self.state.file = number;
    }

    /// Whether it is time to write the state again.
    pub(crate) fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Writes the state. All of the described bytes must be on the disk; bringing
    /// them there began at `start`.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn write(
        &mut self,
        start: Instant,
        bytes: u64,
        position: Position,
        failed: u64,
    ) -> io::Result<()> {
        self.state.bytes = bytes;
        self.state.position = position;
        self.state.failed = failed;
        let name = with_suffix(&self.name, ".new");
        let mut file = self.folder.create(&name)?;
        file.write_all(&serde_json::to_vec_pretty(&self.state)?)?;
        file.sync_data()?;
        self.folder.rename(&file, &name, &self.name)?;
        self.due = Instant::now() + INTERVAL.max(start.elapsed() * COST_DIVISOR);
        Ok(())
    }

    /// Removes the state of a run that is complete.
    pub(crate) fn remove(&self) -> io::Result<()> {
        self.folder.remove(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(state: &State, max_bytes: u64) -> io::Result<State> {
        State::read(&*serde_json::to_vec_pretty(state).unwrap(), max_bytes)
    }

    #[test]
    fn counts_beyond_the_maximum_are_rejected() {
        let good = State::new(RunIdentity::new());
        assert_eq!(read(&good, 1000).unwrap(), good);
        let changes: [fn(&mut State); 5] = [
            |state| state.position.input = usize::MAX,
            |state| state.position.read = u64::MAX,
            |state| state.position.records = u64::MAX,
            |state| state.bytes = u64::MAX,
            |state| state.failed = u64::MAX,
        ];
        for change in changes {
            let mut state = good.clone();
            change(&mut state);
            let error = read(&state, 1000).unwrap_err().to_string();
            assert_eq!(error, "a count in it exceeds the maximum");
        }
    }

    #[test]
    fn too_long_state_is_rejected() {
        let mut state = State::new(RunIdentity::new());
        state.identity.insert("x".repeat(1000), String::new());
        assert!(read(&state, 2000).is_ok());
        let error = read(&state, 1000).unwrap_err().to_string();
        assert!(error.contains("over 1000 bytes"), "{error}");
    }
}
