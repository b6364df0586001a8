//! Where this user's compiled plugins are kept.

use std::ffi::OsStr;
use std::path::PathBuf;

use kumiki::Cache;

use crate::console::{Console, escape};
use crate::failure::Failure;
use crate::folders::{self, variable};

/// The cache of this user. Without one plugins run as well, and are compiled
/// each time: what is wrong with it is told, and no reason to stop.
pub(crate) fn cache(console: &Console) -> Option<Cache> {
    match open() {
        Ok(cache) => cache,
        Err(failure) => {
            console.notice(format_args!(
                "plugins are compiled each time: {}; hint: {}",
                escape(&failure.message),
                escape(failure.hint.as_deref().unwrap_or_default())
            ));
            None
        }
    }
}

/// The same for whoever asks for it; none where the user wants none.
pub(crate) fn open() -> Result<Option<Cache>, Failure> {
    if variable("KUMIKI_CACHE").is_some_and(|folder| is_off(&folder)) {
        return Ok(None);
    }
    let folder = folder().ok_or_else(|| {
        Failure::usage(
            "there is no home folder to keep artifacts in",
            "set KUMIKI_CACHE to a folder for them",
        )
    })?;
    Ok(Some(Cache::open(folder)?))
}

/// Where they are kept; none where the user wants none, or has no home folder.
pub(crate) fn folder() -> Option<PathBuf> {
    match variable("KUMIKI_CACHE") {
        Some(off) if is_off(&off) => None,
        Some(folder) => Some(PathBuf::from(folder)),
        None => folders::cache().map(|cache| cache.join("artifacts")),
    }
}

fn is_off(folder: &OsStr) -> bool {
    folder.eq_ignore_ascii_case("off")
}
