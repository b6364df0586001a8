//! A folder of the host that a guest sees under a path of its own.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::GrantError;
use super::handle::Handle;

const HINT: &str = "a folder is granted as `HOST::GUEST:ro` or `HOST::GUEST:rw`, such as \
                    `./data::/data:ro`; `::GUEST` and `:ro` may be left out";

/// What a guest may do with a folder and all that is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FolderAccess {
    /// Read and list.
    #[default]
    ReadOnly,
    /// Also write, make, rename, link and remove.
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

/// A folder of the host and where the guest sees it. What lies outside it is
/// out of reach, whatever path, symbolic link, rename or hard link the guest
/// tries; what the host itself links into it by hard links is inside.
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
    /// The folder on this machine.
    pub(crate) host: PathBuf,
    /// The path that the guest knows it by.
    pub(crate) guest: String,
    pub(crate) access: FolderAccess,
    /// The folder itself, once it is open.
    pub(crate) handle: Handle,
}

impl FolderGrant {
    /// A folder to read and list.
    #[must_use]
    pub fn read_only(host: impl Into<PathBuf>, guest: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            guest: guest.into(),
            access: FolderAccess::ReadOnly,
            handle: Handle::default(),
        }
    }

    /// A folder to read and to change.
    #[must_use]
    pub fn read_write(host: impl Into<PathBuf>, guest: impl Into<String>) -> Self {
        Self {
            access: FolderAccess::ReadWrite,
            ..Self::read_only(host, guest)
        }
    }

    /// The path that the guest knows it by.
    #[must_use]
    pub fn guest(&self) -> &str {
        &self.guest
    }

    /// What the guest may do there.
    #[must_use]
    pub fn access(&self) -> FolderAccess {
        self.access
    }

    /// The same folder, to change.
    pub(crate) fn to_change(&self) -> Self {
        Self::read_write(&self.host, &self.guest)
    }
}

/// As it is written on a command line: `HOST[::GUEST][:ro|:rw]`. The guest's
/// path is the host's where none is given, the access read-only.
impl FromStr for FolderGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let fault = |reason| Err(GrantError::new(text, reason, HINT));
        let (paths, access) = match text.rsplit_once(':') {
            Some((paths, "ro")) => (paths, FolderAccess::ReadOnly),
            Some((paths, "rw")) => (paths, FolderAccess::ReadWrite),
            _ => (text, FolderAccess::default()),
        };
        let (host, guest) = paths.split_once("::").unwrap_or((paths, paths));
        if host.is_empty() {
            return fault("the host's folder is empty");
        }
        if guest.is_empty() {
            return fault("the guest's path is empty");
        }
        if text.contains('\0') {
            return fault("no path holds a zero character");
        }
        // A mistyped access must not become part of a path in silence.
        if let Some((_, ending)) = guest.rsplit_once(':')
            && !ending.contains(['/', '\\'])
        {
            return fault("the access behind the last `:` is neither `ro` nor `rw`");
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
    fn folders_parse_and_are_written_again() {
        for (text, whole) in [
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
            assert_eq!(grant.to_string(), whole, "{text}");
            assert_eq!(whole.parse(), Ok(grant), "{whole}");
        }
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        for (text, reason) in [
            ("", "the host's folder is empty"),
            (":rw", "the host's folder is empty"),
            ("::/data", "the host's folder is empty"),
            ("data::", "the guest's path is empty"),
            ("data:::rw", "the guest's path is empty"),
            ("data:wr", "neither `ro` nor `rw`"),
            ("data::/data:", "neither `ro` nor `rw`"),
            ("data::/data:RW", "neither `ro` nor `rw`"),
            ("a\0b", "zero character"),
        ] {
            let error = text.parse::<FolderGrant>().unwrap_err();
            assert!(error.reason.contains(reason), "{text:?}: {error}");
        }
    }
}
