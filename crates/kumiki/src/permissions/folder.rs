//! The grant of a host folder.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::GrantError;
use super::handle::Handle;

const HINT: &str = "write a folder as `HOST::GUEST:ro` or `HOST::GUEST:rw`, such as \
                    `./data::/data:ro`; `::GUEST` and `:ro` are optional";

/// What a guest may do in a folder and its subfolders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FolderAccess {
    /// Read files and list folders.
    #[default]
    ReadOnly,
    /// Also write, create, rename, link and remove files and folders.
    ReadWrite,
}

impl fmt::Display for FolderAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ReadOnly => "ro",
            Self::ReadWrite => "rw",
        })
    }
}

/// A host folder that a guest may access, and the path at which the guest sees it.
///
/// The guest cannot leave the folder through any path, symbolic link, rename or hard
/// link. Files that the host has hard-linked into the folder count as inside.
///
/// ```
/// use kumiki::FolderGrant;
///
/// let grant: FolderGrant = "./data::/data:rw".parse()?;
/// assert_eq!(grant, FolderGrant::read_write("./data", "/data"));
/// let grant: FolderGrant = "./data".parse()?;
/// assert_eq!(grant, FolderGrant::read_only("./data", "./data"));
/// # Ok::<(), kumiki::GrantError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderGrant {
    /// The path on the host.
    pub(crate) host: PathBuf,
    /// The path that the guest sees.
    pub(crate) guest: String,
    pub(crate) access: FolderAccess,
    /// The open folder, if it was opened.
    pub(crate) handle: Handle,
}

impl FolderGrant {
    /// Grants read access to a folder.
    #[must_use]
    pub fn read_only(host: impl Into<PathBuf>, guest: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            guest: guest.into(),
            access: FolderAccess::ReadOnly,
            handle: Handle::default(),
        }
    }

    /// Grants read and write access to a folder.
    #[must_use]
    pub fn read_write(host: impl Into<PathBuf>, guest: impl Into<String>) -> Self {
        Self {
            access: FolderAccess::ReadWrite,
            ..Self::read_only(host, guest)
        }
    }

    /// Returns the path that the guest sees.
    #[must_use]
    pub fn guest(&self) -> &str {
        &self.guest
    }

    /// Returns what the guest may do in the folder.
    #[must_use]
    pub fn access(&self) -> FolderAccess {
        self.access
    }

    /// Returns the read-write grant of the same folder.
    pub(crate) fn with_write_access(&self) -> Self {
        Self::read_write(&self.host, &self.guest)
    }
}

/// Parses `HOST[::GUEST][:ro|:rw]`. The guest's path defaults to the host's, the access to
/// read-only.
impl FromStr for FolderGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let invalid = |reason| Err(GrantError::new(text, reason, HINT));
        let (paths, access) = match text.rsplit_once(':') {
            Some((paths, "ro")) => (paths, FolderAccess::ReadOnly),
            Some((paths, "rw")) => (paths, FolderAccess::ReadWrite),
            _ => (text, FolderAccess::default()),
        };
        let (host, guest) = paths.split_once("::").unwrap_or((paths, paths));
        if host.is_empty() {
            return invalid("the host's folder is empty");
        }
        if guest.is_empty() {
            return invalid("the guest's path is empty");
        }
        if text.contains('\0') {
            return invalid("a path cannot contain a NUL character");
        }
        // A mistyped access must not silently become part of the path.
        if let Some((_, ending)) = guest.rsplit_once(':')
            && !ending.contains(['/', '\\'])
        {
            return invalid("the access after the last `:` is neither `ro` nor `rw`");
        }
        Ok(Self {
            host: host.into(),
            guest: guest.into(),
            access,
            handle: Handle::default(),
        })
    }
}

impl fmt::Display for FolderGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            guest,
            access,
            handle: _,
        } = self;
        write!(f, "{}::{guest}:{access}", host.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_grants_parse_and_display() {
        for (text, full) in [
            ("data", "data::data:ro"),
            ("data:ro", "data::data:ro"),
            ("data:rw", "data::data:rw"),
            ("./data::/data", "./data::/data:ro"),
            ("./data::/data:rw", "./data::/data:rw"),
            ("/", "/::/:ro"),
            ("C:\\data::/data:rw", "C:\\data::/data:rw"),
            ("C:\\data", "C:\\data::C:\\data:ro"),
            ("a b::組木:ro", "a b::組木:ro"),
        ] {
            let grant: FolderGrant = text.parse().unwrap();
            assert_eq!(grant.to_string(), full, "{text}");
            assert_eq!(full.parse(), Ok(grant), "{full}");
        }
    }

    #[test]
    fn invalid_folder_grants_are_rejected() {
        for (text, reason) in [
            ("", "the host's folder is empty"),
            (":rw", "the host's folder is empty"),
            ("::/data", "the host's folder is empty"),
            ("data::", "the guest's path is empty"),
            ("data:::rw", "the guest's path is empty"),
            ("data:wr", "neither `ro` nor `rw`"),
            ("data::/data:", "neither `ro` nor `rw`"),
            ("data::/data:RW", "neither `ro` nor `rw`"),
            ("a\0b", "NUL character"),
        ] {
            let error = text.parse::<FolderGrant>().unwrap_err();
            assert!(error.reason.contains(reason), "{text:?}: {error}");
        }
    }
}
