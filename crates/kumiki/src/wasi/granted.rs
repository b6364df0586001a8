//! Grants, made good: folders opened, variables read. Made once, when the host
//! or the plugin is, so that what is missing is known before any guest runs,
//! and so that nothing which happens to a path later leads anywhere else.

use std::sync::Arc;

use wasmtime_wasi::filesystem::Dir;
use wasmtime_wasi::{FsPerms, OpenMode, WasiCtx, WasiCtxBuilder};

use super::folders::Folders;
use super::network::{Guard, resolver};
use super::threads;
use crate::observer::Observer;
use crate::{Clocks, FolderAccess, FolderGrant, GrantError, Grants, Result};

/// What every instance of a plugin with these grants gets.
#[derive(Default)]
pub(crate) struct Granted {
    grants: Grants,
    /// One for each granted folder, in the same order.
    folders: Arc<[Dir]>,
    variables: Vec<(String, String)>,
    /// What the plugin may leave behind: its instances come and go.
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

    /// The same for another plugin, which leaves nothing behind yet.
    pub(crate) fn for_another(&self) -> Self {
        Self {
            grants: self.grants.clone(),
            folders: self.folders.clone(),
            variables: self.variables.clone(),
            ..Self::default()
        }
    }

    /// The same for the plugin that `other` is of, which keeps what it has left
    /// behind.
    pub(crate) fn of_the_plugin(mut self, other: &Self) -> Self {
        self.threads.clone_from(&other.threads);
        self.lookups.clone_from(&other.lookups);
        self
    }

    /// What this was made of.
    pub(crate) fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Who watches the network of an instance of `plugin`; `observer` hears of
    /// what is denied.
    pub(crate) fn guard(&self, plugin: &Arc<str>, observer: &Arc<dyn Observer>) -> Guard {
        Guard {
            plugin: plugin.clone(),
            observer: observer.clone(),
            grants: self.grants.network.clone().into(),
            lookups: self.lookups.clone(),
            led: Arc::default(),
        }
    }

    /// What time an instance sees.
    pub(crate) fn clocks(&self) -> Clocks {
        self.grants.clocks()
    }

    /// What waits for the plugin's files.
    pub(crate) fn threads(&self) -> &Arc<threads::ThreadQuota> {
        &self.threads
    }

    /// What is kept of the folders of an instance.
    pub(crate) fn folders(&self) -> Folders {
        Folders::new(&self.grants.folders, &self.folders)
    }

    /// Makes an instance's WASI context of what `wasi` has and these grants.
    pub(crate) fn context(&self, wasi: &mut WasiCtxBuilder, guard: &Guard) -> WasiCtx {
        wasi.envs(&self.variables).args(&self.grants.arguments);
        self.grants.clocks.unwrap_or_default().give(wasi);
        self.grants.randomness.unwrap_or_default().give(wasi);
        // Without a grant there are no sockets at all, nor the host's handles
        // that they would use up.
        if !self.grants.network.is_empty() {
            guard.clone().give(wasi);
        }
        wasi.build()
    }
}

/// Not by [`WasiCtxBuilder::preopened_dir`], which takes a path: the folder may
/// be open already.
fn open(folder: &FolderGrant) -> Result<Dir, GrantError> {
    let (permissions, mode) = match folder.access {
        FolderAccess::ReadOnly => (FsPerms::ReadOnly, OpenMode::READ),
        FolderAccess::ReadWrite => (FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE),
    };
    let folder = folder.opened()?;
    // Files are waited for on other threads anyway.
    let mut dir = Dir::new(folder.folder()?.into_std_file(), permissions, mode, true);
    // One descriptor for all plugins that have this grant.
    dir.dir = folder.handle()?;
    Ok(dir)
}

impl Grants {
    /// Checks that what is granted is there, as making a host or a plugin with
    /// these grants does.
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
    fn folders_are_opened_at_once() {
        let here = env!("CARGO_MANIFEST_DIR");
        for (folder, reason, words) in [
            ("", "there is no folder ``", "create the folder"),
            ("no-such", "there is no folder", "create the folder"),
            ("no-such:/data", "there is no folder", "two colons"),
            ("Cargo.toml", "is no folder", "grant its folder"),
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
