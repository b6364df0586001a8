//! Opens granted folders: by path, or name by name without following symbolic links.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::Dir;

use super::walk::{self, NotOpened};
use crate::permissions::{Handle, containing_folder, relative_path};
use crate::{FolderAccess, FolderGrant, GrantError, Grants, Permission, PermissionRequests};

impl Grants {
    /// Opens each folder, so that later changes of its path have no effect. See
    /// [`FolderGrant::opened`].
    ///
    /// # Errors
    /// [`Error::Grant`](crate::Error::Grant) for a folder that cannot be opened.
    pub fn opened(self) -> crate::Result<Self> {
        self.open_by(FolderGrant::opened)
    }

    /// Like [`Grants::opened`], but fails for a symbolic link in the path of a folder that
    /// is not open yet. Use it for stored grants, whose paths may lead elsewhere by now.
    ///
    /// # Errors
    /// As for [`Grants::opened`], and for a symbolic link.
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
    /// Like [`PermissionRequests::grants_beside`], with each folder opened: name by name below
    /// its granted folder or `base`, without following symbolic links. The grants contain
    /// the folders' real paths.
    ///
    /// # Errors
    /// [`Error::Grant`](crate::Error::Grant) for a missing folder or a symbolic link in its
    /// path.
    pub fn open_beside(&self, granted: &Grants, base: &Path) -> crate::Result<Grants> {
        let base = FolderGrant::read_only(base, "/").opened()?;
        let mut added = Grants::default();
        for request in self.iter() {
            added = match &request.permission {
                Permission::Folder { guest, access } => {
                    let (parent, rest) = match containing_folder(granted, guest) {
                        Some((folder, rest)) => (folder.base()?, rest),
                        None => (base.base()?, relative_path(guest)),
                    };
                    let folder = FolderGrant::open_below(parent, &rest, guest, *access)?;
                    added.with_folder(folder)
                }
                other => other.add_to(added, granted, Path::new("")),
            };
        }
        Ok(added)
    }
}

impl FolderGrant {
    /// Opens the folder, following symbolic links in its path. Guests get this folder even if
    /// its path changes later. Does nothing if the folder is open already.
    ///
    /// # Errors
    /// When the folder does not exist or cannot be opened.
    pub fn opened(&self) -> Result<Self, GrantError> {
        self.open_by(|host| walk::open(host).map_err(NotOpened::Other))
    }

    /// Like [`FolderGrant::opened`], for an absolute path, but without following symbolic
    /// links.
    ///
    /// # Errors
    /// As for [`FolderGrant::opened`], and for a symbolic link. Then
    /// [`GrantError::instead`] is the grant of the folder that it leads to.
    pub fn opened_without_links(&self) -> Result<Self, GrantError> {
        self.open_by(|host| {
            let (root, rest) = walk::split_root(host);
            let root = walk::open(&root).map_err(NotOpened::Other)?;
            walk::open_below(root, &rest)
        })
    }

    /// Opens the folder at `path` below `base` without following symbolic links, and grants
    /// it. The path of `base` appears only in messages.
    pub(crate) fn open_below(
        base: (Dir, PathBuf),
        path: &Path,
        guest: &str,
        access: FolderAccess,
    ) -> Result<Self, GrantError> {
        let (base, real) = base;
        let grant = Self {
            access,
            // `join` with an empty path would add a trailing slash.
            ..Self::read_only(
                real.components()
                    .chain(path.components())
                    .collect::<PathBuf>(),
                guest,
            )
        };
        grant.open_by(|_| walk::open_below(base, path))
    }

    /// Returns the open folder, or opens it.
    pub(crate) fn handle(&self) -> Result<Arc<File>, GrantError> {
        if let Some(handle) = &self.handle.0 {
            return Ok(handle.clone());
        }
        let folder = walk::open(&self.host).map(|folder| Arc::new(folder.into_std_file()));
        folder.map_err(|error| self.not_opened(NotOpened::Other(error)))
    }

    /// Returns the folder as a [`Dir`], to open files in it.
    pub(crate) fn folder(&self) -> Result<Dir, GrantError> {
        let handle = self.handle()?.try_clone().map(Dir::from_std_file);
        handle.map_err(|error| self.not_opened(NotOpened::Other(error)))
    }

    /// Returns the folder and its real path.
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
            NotOpened::Link { remaining } => return self.is_link(remaining),
            NotOpened::Parent => format!("there is a `..` in `{host}`"),
            NotOpened::Other(error) if error.kind() == io::ErrorKind::NotFound => {
                format!("there is no folder `{host}`")
            }
            NotOpened::Other(error) => match self.host.metadata() {
                Ok(metadata) if !metadata.is_dir() => format!("`{host}` is not a folder"),
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

    /// The error for a symbolic link in the path, which `remaining` names follow.
    fn is_link(&self, remaining: usize) -> GrantError {
        let link = self.host.ancestors().nth(remaining);
        let link = link.unwrap_or(&self.host).display();
        let instead = self.host.canonicalize().ok().map(|host| Self {
            host,
            handle: Handle::default(),
            ..self.clone()
        });
        let leads = instead.as_ref().map_or(String::new(), |instead| {
            format!("; it leads to `{}`", instead.host.display())
        });
        let reason = format!("`{link}` is a symbolic link, which is not followed{leads}");
        GrantError {
            instead: instead.map(|instead| instead.to_string()),
            ..GrantError::new(
                self,
                reason,
                "grant the folder that the link leads to, or replace the link with a folder",
            )
        }
    }
}
