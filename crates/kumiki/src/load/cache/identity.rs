//! The identity of a file, taken from its metadata: files with the same identity have the
//! same contents.
//!
//! Changing or replacing a file changes its identity, because only root can set the time
//! of a file's last status change (ctime). The exception is two changes within one tick
//! of that clock; git calls such files racily clean. Therefore an identity is trusted only
//! if the file has not changed for a while ([`FileIdentity::is_settled`]).

use std::fs::Metadata;
use std::time::{Duration, SystemTime};

/// How long a file must be unchanged. Linux advances the clock for file times every 1 to
/// 10 ms; two seconds leave a margin for a file server with a slightly different clock.
pub(super) const SETTLE_TIME: Duration = Duration::from_secs(2);

/// In nanoseconds. A time that is a multiple of it is not trusted: it comes from a clock
/// that is too coarse (FAT, HFS+, ISO 9660), or from a reproducible image, where all files
/// have the same time (squashfs).
const COARSE: i128 = 1_000_000;

/// The text of a missing identity.
const NONE: &str = "-";

/// The identity of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    /// In bytes.
    length: u64,
    pub(super) device: u64,
    pub(super) inode: u64,
    /// The last change of the contents (mtime), which the owner can set to any time; in
    /// nanoseconds since 1970.
    modified: i128,
    /// The last change of contents or metadata (ctime), in nanoseconds since 1970.
    changed: i128,
}

impl FileIdentity {
    /// Returns `None` if this is not a regular file, and on systems other than Unix.
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

    /// Returns the file's length in bytes.
    pub(crate) fn length(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }

    /// Returns whether a file that had this identity at `time` keeps its contents for as
    /// long as it keeps the identity: any later change gives it another ctime.
    pub(super) fn is_settled(&self, time: SystemTime, settle_time: Duration) -> bool {
        let now = time.duration_since(SystemTime::UNIX_EPOCH);
        let Ok(now) = now.map(|now| now.as_nanos().cast_signed()) else {
            return false;
        };
        let age = now - self.changed;
        age >= settle_time.as_nanos().cast_signed() && self.changed % COARSE != 0
    }

    /// Formats an identity or `None`.
    pub(super) fn text_of(identity: Option<&Self>) -> String {
        identity.map_or(NONE.to_owned(), Self::text)
    }

    /// Parses the text of [`FileIdentity::text_of`].
    pub(super) fn read_optional(text: &str) -> Option<Option<Self>> {
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
    fn identity_is_settled_after_the_settle_time() {
        let changed = 1_700_000_000_123_456_789;
        let settled = |after: i64, identity: &FileIdentity| {
            let nanoseconds = u64::try_from(changed + i128::from(after)).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds);
            identity.is_settled(time, SETTLE_TIME)
        };
        let identity = changed_at(changed);
        for (after, expected) in [
            (0, false),
            (1_999_999_999, false),
            (2_000_000_000, true),
            // A clock that was set back, or is behind the file server's clock.
            (-5_000_000_000, false),
        ] {
            assert_eq!(settled(after, &identity), expected, "{after} ns later");
        }
        for coarse in [1_700_000_000_000_000_000, 1_700_000_000_120_000_000, 0] {
            assert!(!settled(i64::MAX / 4, &changed_at(coarse)), "{coarse}");
        }
    }

    #[test]
    fn identity_round_trips() {
        let identity = changed_at(-1);
        assert_eq!(FileIdentity::read(&identity.text()), Some(identity.clone()));
        for text in ["", "1 2 3 4", "1 2 3 4 5 6", "1 2 3 4 x", "-1 2 3 4 5"] {
            assert_eq!(FileIdentity::read(text), None, "{text}");
        }
    }

    #[test]
    fn folder_has_no_identity() {
        let folder = std::env::temp_dir().metadata().unwrap();
        assert_eq!(FileIdentity::of(&folder), None);
    }
}
