//! Opens this user's compile cache, and builds hosts with it.

use std::ffi::OsStr;
use std::path::PathBuf;

use kumiki::{Cache, CompileCommand, Contract, Host, HostBuilder};

use kumiki_text::TextHost;

use crate::console::{Console, escape};
use crate::failure::Failure;
use crate::folders::{self, variable};

/// Opens the compile cache. If that fails, prints a notice and returns none: plugins
/// still run, but are compiled each time.
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

/// Opens the compile cache; none if `KUMIKI_CACHE` is `off`.
pub(crate) fn open() -> Result<Option<Cache>, Failure> {
    if variable("KUMIKI_CACHE").is_some_and(|folder| is_off(&folder)) {
        return Ok(None);
    }
    let folder = folder().ok_or_else(|| {
        Failure::usage(
            "there is no home folder for the compile cache",
            "set KUMIKI_CACHE to a folder",
        )
    })?;
    Ok(Some(Cache::open(folder)?))
}

/// The folder of the cache; none if `KUMIKI_CACHE` is `off` or there is no home folder.
pub(crate) fn folder() -> Option<PathBuf> {
    match variable("KUMIKI_CACHE") {
        Some(off) if is_off(&off) => None,
        Some(folder) => Some(PathBuf::from(folder)),
        None => folders::cache().map(|cache| cache.join("artifacts")),
    }
}

/// Returns the builder of a host with this cache, whose plugins share runtimes unless
/// `KUMIKI_SHARED_RUNTIMES` is `off`.
pub(crate) fn host<C: Contract>(cache: Option<Cache>, compile: CompileCommand) -> HostBuilder<C> {
    let is_off = variable("KUMIKI_SHARED_RUNTIMES").is_some_and(|value| is_off(&value));
    Host::builder()
        .cache(cache)
        .compile_with(compile)
        .shared_runtimes(!is_off)
        .runtime(kumiki_build::QUICKJS)
}

/// Returns a host that reads plugins, also thin ones, and runs none.
pub(crate) fn reader(console: &Console) -> Result<TextHost, Failure> {
    let host = TextHost::builder().cache(cache(console));
    Ok(host.runtime(kumiki_build::QUICKJS).build()?)
}

fn is_off(folder: &OsStr) -> bool {
    folder.eq_ignore_ascii_case("off")
}
