//! Granted folders are opened here: by their paths, or name by name without following
//! a symbolic link.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::Dir;

use super::walk::{self, NotOpened};
use crate::permissions::{Handle, holder, within};
use crate::{FolderAccess, FolderGrant, GrantError, Grants, Permission, PermissionRequests};

impl Grants {
    /// These grants with each folder open: from now on its path leads nowhere
    /// else. See [`FolderGrant::opened`].
    ///
    /// # Errors
    /// [`Error::Grant`](crate::Error::Grant) for a folder that cannot be opened.
    pub fn opened(self) -> crate::Result<Self> {
        self.open_by(FolderGrant::opened)
    }

    /// The same, but no symbolic link is followed to a folder that is not open
    /// yet: for grants that were written down, and whose paths may lead
    /// elsewhere by now.
    ///
    /// # Errors
    /// As for [`Grants::opened`], and for a link.
    pub fn opened_without_links(self) -> crate::Result<Self> {
        self.open_by(FolderGrant::opened_without_links)
    }

    fn open_by(
        mut self,
        open: impl Fn(&FolderGrant) -> Result<FolderGrant, GrantError>,
    ) -> crate::Result<Self> {
        for folder in &mut self.folders {
            *folder = open(folder)?;
        }
        Ok(self)
    }
}

impl PermissionRequests {
    /// [`PermissionRequests::grants_beside`] with each folder open: name by name below
    /// the folder that holds it, without following a symbolic link. The grants
    /// show the folders' real paths.
    ///
    /// # Errors
    /// [`Error::Grant`](crate::Error::Grant) for a folder that is not there, and for a link on the
    /// way to it.
    pub fn open_beside(&self, granted: &Grants, base: &Path) -> crate::Result<Grants> {
        let base = FolderGrant::read_only(base, "/").opened()?;
        let mut added = Grants::default();
        for request in self.iter() {
            added = match &request.permission {
                Permission::Folder { guest, access } => {
                    let (holder, rest) = match holder(granted, guest) {
                        Some((held, rest)) => (held.base()?, rest),
                        None => (base.base()?, within(guest)),
                    };
                    let folder = FolderGrant::open_below(holder, &rest, guest, *access)?;
                    added.with_folder(folder)
                }
                other => other.add_to(added, granted, Path::new("")),
            };
        }
        Ok(added)
    }
}

impl FolderGrant {
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
        let hint = match self.host.to_string_lossy().contains(":/") {
            true => {
                "write two colons between the folder and the path that plugins see: `HOST::GUEST`"
            }
            false => {
                "create the folder, or grant one that exists; to grant a file, grant its folder"
            }
        };
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
}
