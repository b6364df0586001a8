//! Guests with grants.

use std::path::Path;
use std::time::Duration;

use kumiki::{FolderGrant, Grants, Limits};
use kumiki_text::{Error, TextPlugin};
use tempfile::TempDir;
use test_components::TextPlugin as Guest;

use super::attack::{self, attack};
use super::{Seen, to_text};

/// The time limit of a call that ends by itself.
pub(crate) const LONG: Duration = Duration::from_secs(10);

/// Loads a guest, makes it attack, and calls it once more.
pub(crate) fn attempt(guest: &Guest, grants: Grants, limits: Limits) -> Result<Seen, String> {
    match load(guest, grants, limits) {
        Ok(mut plugin) => attack(&mut plugin),
        Err(error) => Ok(error.into()),
    }
}

/// Loads a guest.
pub(crate) fn load(guest: &Guest, grants: Grants, limits: Limits) -> Result<TextPlugin, Error> {
    attack::load("hostile.wasm", &guest.build(), limits, grants)
}

/// Limits of a guest with grants, with this time limit.
pub(crate) fn limits(time: Duration) -> Limits {
    Limits::default().with_time(time).with_memory(64 << 20)
}

/// A new empty folder, and a grant to read and write it.
pub(crate) fn folder() -> Result<(TempDir, Grants), String> {
    let folder = tempfile::tempdir().map_err(to_text)?;
    let grants = read_write(folder.path());
    Ok((folder, grants))
}

/// A grant to read and write a folder.
pub(crate) fn read_write(folder: &Path) -> Grants {
    Grants::default().with_folder(FolderGrant::read_write(folder, "/data"))
}

/// A new folder with one file, and a grant to read and write it.
pub(crate) fn folder_with(name: &str, content: &[u8]) -> Result<(TempDir, Grants), String> {
    let (folder, grants) = folder()?;
    std::fs::write(folder.path().join(name), content).map_err(to_text)?;
    Ok((folder, grants))
}

/// Grants of the network, such as `127.0.0.1:80`.
pub(crate) fn network(grants: &[impl AsRef<str>]) -> Result<Grants, String> {
    let mut all = Grants::default();
    for grant in grants {
        let grant = grant
            .as_ref()
            .parse()
            .map_err(|error: kumiki::GrantError| error.to_string())?;
        all = all.with_network(grant);
    }
    Ok(all)
}
