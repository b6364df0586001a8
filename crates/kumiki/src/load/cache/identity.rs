//! What a file looks like from outside, and when that says what it holds.
//!
//! Whatever changes a file's bytes, or puts another file in its place, changes
//! one of these, for nobody but root sets the time of a file's last change. Two
//! changes within one step of that clock are the exception (git calls such
//! files racily clean), so a file must have been left alone for a while
//! ([`FileIdentity::is_settled`]) before what it looks like is believed.

use std::fs::Metadata;
use std::time::{Duration, SystemTime};

/// How long a file must have been left alone. Linux moves the clock of its
/// files every 1 to 10 ms; two seconds leave room for a file server whose clock
/// is not quite ours.
pub(super) const LEFT_ALONE: Duration = Duration::from_secs(2);

/// In nanoseconds: a stamp without a part below it comes from a clock that is
/// too coarse (FAT, HFS+, ISO 9660), or is the same for all files of an image
/// that was made reproducibly, whatever they hold (squashfs).
const COARSE: i128 = 1_000_000;

/// What stands in the place of no identity.
const NONE: &str = "-";

/// What a file looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    /// In bytes.
    length: u64,
    pub(super) device: u64,
    pub(super) inode: u64,
    /// The last change of its bytes, which its owner may set to anything, and
    /// of all that is about it, in nanoseconds since 1970.
    modified: i128,
    changed: i128,
}

impl FileIdentity {
    /// None for what is no file, and on systems other than Unix.
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;

        let nanoseconds =
            |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        metadata.is_file().then(|| Self {
            length: metadata.len(),
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: &Metadata) -> Option<Self> {
        None
    }

    /// The file's length in bytes.
    pub(crate) fn length(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }

    /// Whether a file that looked so at `time` held what it will hold for as
    /// long as it looks so: any later change will leave another stamp.
    pub(super) fn is_settled(&self, time: SystemTime, left_alone: Duration) -> bool {
        let now = time.duration_since(SystemTime::UNIX_EPOCH);
        let Ok(now) = now.map(|now| now.as_nanos().cast_signed()) else {
            return false;
        };
        let age = now - self.changed;
        age >= left_alone.as_nanos().cast_signed() && self.changed % COARSE != 0
    }

    /// An identity, or that there is none.
    pub(super) fn text_of(identity: Option<&Self>) -> String {
        identity.map_or(NONE.to_owned(), Self::text)
    }

    /// Reads what [`FileIdentity::text_of`] wrote.
    pub(super) fn read_any(text: &str) -> Option<Option<Self>> {
        match text {
            NONE => Some(None),
            identity => Self::read(identity).map(Some),
        }
    }

    pub(super) fn text(&self) -> String {
        let Self {
            length,
            device,
            inode,
            modified,
            changed,
        } = self;
        format!("{length} {device} {inode} {modified} {changed}")
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let identity = Self {
            length: parts.next()?.parse().ok()?,
            device: parts.next()?.parse().ok()?,
            inode: parts.next()?.parse().ok()?,
            modified: parts.next()?.parse().ok()?,
            changed: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed_at(changed: i128) -> FileIdentity {
        let metadata = std::env::current_exe().unwrap().metadata().unwrap();
        FileIdentity {
            changed,
            ..FileIdentity::of(&metadata).unwrap()
        }
    }

    #[test]
    fn a_file_must_be_left_alone_for_a_while() {
        let changed = 1_700_000_000_123_456_789;
        let settled = |after: i64, identity: &FileIdentity| {
            let nanoseconds = u64::try_from(changed + i128::from(after)).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds);
            identity.is_settled(time, LEFT_ALONE)
        };
        let identity = changed_at(changed);
        for (after, expected) in [
            (0, false),
            (1_999_999_999, false),
            (2_000_000_000, true),
            // A clock that was set back, or is behind the file server's.
            (-5_000_000_000, false),
        ] {
            assert_eq!(settled(after, &identity), expected, "{after} ns later");
        }
        for coarse in [1_700_000_000_000_000_000, 1_700_000_000_120_000_000, 0] {
            assert!(!settled(i64::MAX / 4, &changed_at(coarse)), "{coarse}");
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let identity = changed_at(-1);
        assert_eq!(FileIdentity::read(&identity.text()), Some(identity.clone()));
        for text in ["", "1 2 3 4", "1 2 3 4 5 6", "1 2 3 4 x", "-1 2 3 4 5"] {
            assert_eq!(FileIdentity::read(text), None, "{text}");
        }
    }

    #[test]
    fn only_files_have_one() {
        let folder = std::env::temp_dir().metadata().unwrap();
        assert_eq!(FileIdentity::of(&folder), None);
    }
}
