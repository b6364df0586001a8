//! A folder of the host that a guest sees under a path of its own.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use cap_std::fs::Dir;

use super::GrantError;
use super::handle::Handle;
use crate::wasi::folders::walk::{self, NotOpened};

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
    handle: Handle,
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

    /// The same grant with its folder open: whatever becomes of the path from
    /// now on, this folder is what guests get. Symbolic links in the path are
    /// followed. One that is open already stays as it is.
    ///
    /// # Errors
    /// When there is no such folder, or it cannot be opened.
    pub fn opened(&self) -> Result<Self, GrantError> {
        self.open_by(|host| walk::open(host).map_err(NotOpened::Other))
    }

    /// The same, but no symbolic link is followed in an absolute path.
    ///
    /// # Errors
    /// As for [`FolderGrant::opened`], and for a link, with the grant that
    /// would give what it leads to.
    pub fn opened_without_links(&self) -> Result<Self, GrantError> {
        self.open_by(|host| {
            let (root, rest) = walk::split_root(host);
            let root = walk::open(&root).map_err(NotOpened::Other)?;
            walk::open_below(root, &rest)
        })
    }

    /// A grant of the folder at `path` below `base`, opened without following a
    /// link. The real path of `base` is only for people.
    pub(crate) fn open_below(
        base: (Dir, PathBuf),
        path: &Path,
        guest: &str,
        access: FolderAccess,
    ) -> Result<Self, GrantError> {
        let (base, real) = base;
        let grant = Self {
            access,
            // `join` would put a slash behind where nothing follows.
            ..Self::read_only(
                real.components()
                    .chain(path.components())
                    .collect::<PathBuf>(),
                guest,
            )
        };
        grant.open_by(|_| walk::open_below(base, path))
    }

    /// Its folder: the one that is open, or else opened now.
    pub(crate) fn handle(&self) -> Result<Arc<File>, GrantError> {
        if let Some(handle) = &self.handle.0 {
            return Ok(handle.clone());
        }
        let folder = walk::open(&self.host).map(|folder| Arc::new(folder.into_std_file()));
        folder.map_err(|error| self.not_opened(NotOpened::Other(error)))
    }

    /// The same, for whoever opens what is in it.
    pub(crate) fn folder(&self) -> Result<Dir, GrantError> {
        let handle = self.handle()?.try_clone().map(Dir::from_std_file);
        handle.map_err(|error| self.not_opened(NotOpened::Other(error)))
    }

    /// The same, and its real path.
    pub(crate) fn base(&self) -> Result<(Dir, PathBuf), GrantError> {
        let real = self.host.canonicalize().unwrap_or(self.host.clone());
        Ok((self.folder()?, real))
    }

    fn open_by(
        &self,
        open: impl FnOnce(&Path) -> Result<Dir, NotOpened>,
    ) -> Result<Self, GrantError> {
        if self.handle.0.is_some() {
            return Ok(self.clone());
        }
        let folder = open(&self.host).map_err(|error| self.not_opened(error))?;
        Ok(Self {
            handle: Handle(Some(Arc::new(folder.into_std_file()))),
            ..self.clone()
        })
    }

    fn not_opened(&self, error: NotOpened) -> GrantError {
        let host = self.host.display();
        let reason = match error {
            NotOpened::Link { behind } => return self.is_link(behind),
            NotOpened::Parent => format!("there is a `..` in `{host}`"),
            NotOpened::Other(error) if error.kind() == io::ErrorKind::NotFound => {
                format!("there is no folder `{host}`")
            }
            NotOpened::Other(error) => match self.host.metadata() {
                Ok(metadata) if !metadata.is_dir() => format!("`{host}` is no folder"),
                _ => format!("cannot open folder `{host}`: {error}"),
            },
        };
        let hint = "make the folder, or grant one that is there; files are granted with their \
                    folder";
        GrantError::new(self, reason, hint)
    }

    /// There is a link in its path, and so many names `behind` it.
    fn is_link(&self, behind: usize) -> GrantError {
        let link = self.host.ancestors().nth(behind);
        let link = link.unwrap_or(&self.host).display();
        let instead = self.host.canonicalize().ok().map(|host| Self {
            host,
            handle: Handle::default(),
            ..self.clone()
        });
        let leads = instead.as_ref().map_or(String::new(), |instead| {
            format!("; it leads to `{}`", instead.host.display())
        });
        let reason = format!("`{link}` is a symbolic link, and none is followed{leads}");
        GrantError {
            instead: instead.map(|instead| instead.to_string()),
            ..GrantError::new(
                self,
                reason,
                "grant the folder that it leads to, by its own path, or put a folder in its place",
            )
        }
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
