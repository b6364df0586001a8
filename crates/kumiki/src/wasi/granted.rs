//! Resolved grants: open folders and the values of variables. They are resolved once, when
//! the host or plugin is created, so that missing folders are reported before a guest runs
//! and later changes of a path have no effect.

use std::sync::Arc;

use wasmtime_wasi::filesystem::Dir;
use wasmtime_wasi::{FsPerms, OpenMode, WasiCtx, WasiCtxBuilder};

use super::folders::Folders;
use super::network::{Guard, resolver};
use super::threads;
use crate::observer::Observer;
use crate::{Clocks, FolderAccess, FolderGrant, GrantError, Grants, Result};

/// The resolved grants that all instances of a plugin share.
#[derive(Default)]
pub(crate) struct Granted {
    grants: Grants,
    /// The open folders, in the order of `grants.folders`.
    folders: Arc<[Dir]>,
    variables: Vec<(String, String)>,
    // Quotas of the plugin, because abandoned work outlives an instance.
    threads: Arc<threads::ThreadQuota>,
    lookups: Arc<resolver::LookupQuota>,
}

impl Granted {
    pub(crate) fn open(grants: &Grants) -> Result<Self> {
        let folders = grants.folders.iter().map(open);
        let folders = folders.collect::<Result<_, GrantError>>()?;
        let mut variables = Vec::new();
        for variable in &grants.variables {
            if let Some(value) = variable.value()? {
                variables.push((variable.name.clone(), value));
            }
        }
        Ok(Self {
            grants: grants.clone(),
            folders,
            variables,
            ..Self::default()
        })
    }

    /// Returns the same grants for another plugin, with quotas of its own.
    pub(crate) fn for_another(&self) -> Self {
        Self {
            grants: self.grants.clone(),
            folders: self.folders.clone(),
            variables: self.variables.clone(),
            ..Self::default()
        }
    }

    /// Returns the same grants with the quotas of `other`, which is of the same plugin.
    pub(crate) fn of_the_plugin(mut self, other: &Self) -> Self {
        self.threads.clone_from(&other.threads);
        self.lookups.clone_from(&other.lookups);
        self
    }

    pub(crate) fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Creates the network guard of an instance. It reports denials to `observer`.
    pub(crate) fn guard(&self, plugin: &Arc<str>, observer: &Arc<dyn Observer>) -> Guard {
        Guard {
            plugin: plugin.clone(),
            observer: observer.clone(),
            grants: self.grants.network.clone().into(),
            lookups: self.lookups.clone(),
            resolved: Arc::default(),
        }
    }

    pub(crate) fn clocks(&self) -> Clocks {
        self.grants.clocks()
    }

    /// The plugin's quota of threads for file operations.
    pub(crate) fn threads(&self) -> &Arc<threads::ThreadQuota> {
        &self.threads
    }

    /// Creates the folders of an instance.
    pub(crate) fn folders(&self) -> Folders {
        Folders::new(&self.grants.folders, &self.folders)
    }

    /// Adds these grants to `wasi` and builds an instance's WASI context.
    pub(crate) fn context(&self, wasi: &mut WasiCtxBuilder, guard: &Guard) -> WasiCtx {
        wasi.envs(&self.variables).args(&self.grants.arguments);
        self.grants.clocks.unwrap_or_default().configure(wasi);
        self.grants.randomness.unwrap_or_default().configure(wasi);
        // Without a grant no sockets can be created, so that they use no descriptors.
        if !self.grants.network.is_empty() {
            guard.clone().configure(wasi);
        }
        wasi.build()
    }
}

/// Opens a granted folder. [`WasiCtxBuilder::preopened_dir`] takes a path and could not use
/// a folder that is open already.
fn open(folder: &FolderGrant) -> Result<Dir, GrantError> {
    let (permissions, mode) = match folder.access {
        FolderAccess::ReadOnly => (FsPerms::ReadOnly, OpenMode::READ),
        FolderAccess::ReadWrite => (FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE),
    };
    let folder = folder.opened()?;
    // May block: file operations run on other threads anyway.
    let mut dir = Dir::new(folder.folder()?.into_std_file(), permissions, mode, true);
    // Shares one descriptor among all plugins with this grant.
    dir.dir = folder.handle()?;
    Ok(dir)
}

impl Grants {
    /// Checks that the granted folders exist and the variables are valid. Creating a host or
    /// plugin with these grants does the same.
    ///
    /// # Errors
    /// [`Error::Grant`](crate::Error::Grant) for a folder that cannot be
    /// opened, or a variable of the host that is not UTF-8.
    pub fn check(&self) -> Result<()> {
        Granted::open(self).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_folders_are_reported_with_a_hint() {
        let here = env!("CARGO_MANIFEST_DIR");
        for (folder, reason, words) in [
            ("", "there is no folder ``", "create the folder"),
            ("no-such", "there is no folder", "create the folder"),
            ("no-such:/data", "there is no folder", "two colons"),
            ("Cargo.toml", "is not a folder", "grant its folder"),
        ] {
            let path = match folder {
                "" => std::path::PathBuf::new(),
                name => std::path::Path::new(here).join(name),
            };
            let grants = Grants::default().with_folder(FolderGrant::read_only(path, "/data"));
            let error = grants.check().unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            let hint = error.hint().unwrap();
            assert!(hint.contains(words), "{hint}");
        }
        let grants = Grants::default().with_folder(FolderGrant::read_only(here, "/data"));
        grants.check().unwrap();
    }
}
