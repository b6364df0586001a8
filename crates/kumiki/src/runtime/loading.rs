//! How a host gets its plugins.

use std::path::Path;
use std::time::Instant;

use super::contract::Contract;
use super::host::Host;
use super::plugin::Plugin;
use crate::load::{Loaded, Origin, Ready};
use crate::observer::Event;
use crate::{Error, PermissionRequests, Result};

impl<C: Contract> Host<C> {
    /// Loads a plugin from a file; it is called by the file's path.
    ///
    /// Compiles the component, which takes milliseconds for a small one and
    /// many seconds of all cores for one that carries a language's runtime,
    /// unless the host has a [`Cache`](crate::Cache) that has it compiled. A file that the
    /// cache knows, and that has not changed since, is not even read.
    ///
    /// # Errors
    /// [`Error::Read`], and all of [`Host::load_bytes`].
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Plugin<C>> {
        let start = Instant::now();
        let path = path.as_ref();
        let loaded = self.inner.loader.load(path)?;
        self.finish(&path.display().to_string(), start, loaded)
    }

    /// What the plugin in a file requests, before it is loaded. A file that the
    /// host's [`Cache`](crate::Cache) knows, and that has not changed since, is not read.
    ///
    /// # Errors
    /// As for [`Host::read`] and [`PermissionRequests::of`].
    pub fn requests(&self, path: impl AsRef<Path>) -> Result<PermissionRequests> {
        self.inner.loader.requests(path.as_ref())
    }

    /// Reads a plugin's file, but never more than a plugin may have: it may be
    /// a device without end. For whoever looks at a plugin before loading it,
    /// and would load what was looked at.
    ///
    /// # Errors
    /// [`Error::Read`], and [`Error::Limit`] for a file that is too large.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Vec<u8>> {
        self.inner.loader.read(path.as_ref())
    }

    /// Loads a plugin from a component's bytes; `name` is how errors and log
    /// records call it.
    ///
    /// # Errors
    /// [`Error::Limit`] and [`Error::TooLarge`] for too many bytes or parts;
    /// [`Error::NotAComponent`], [`Error::Malformed`] for wrong bytes;
    /// [`Error::MissingExport`], [`Error::WrongType`], [`Error::UnknownImport`]
    /// for a component of another contract; [`Error::Compile`],
    /// [`Error::CompileProcess`] and [`Error::Link`] for one that this host
    /// cannot run; [`Error::PermissionRequests`]
    /// for one whose requests cannot be read.
    pub fn load_bytes(&self, name: &str, bytes: &[u8]) -> Result<Plugin<C>> {
        let start = Instant::now();
        let loaded = self.inner.loader.load_bytes(name, bytes)?;
        self.finish(name, start, loaded)
    }

    /// Checks that bytes are a component of this contract, and nothing more:
    /// compiles nothing, runs nothing.
    ///
    /// # Errors
    /// As [`Host::load_bytes`], without [`Error::Compile`], [`Error::Link`] and
    /// [`Error::PermissionRequests`].
    pub fn check(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.inner.loader.check(name, bytes).map(drop)
    }

    /// The plugin of a component, linked.
    fn finish(&self, name: &str, start: Instant, loaded: Loaded) -> Result<Plugin<C>> {
        let Loaded {
            ready,
            requests,
            bytes,
        } = loaded;
        let Ready {
            code: component,
            needs,
            origin,
        } = ready;
        let host_bytes = needs.size.host_bytes;
        let prepared = self
            .inner
            .linked
            .prepare(component, needs)
            .map_err(|source| Error::link(name, source))?;
        self.inner.observer.event(&Event::Loaded {
            plugin: name,
            bytes,
            elapsed: start.elapsed(),
            cache_hit: matches!(origin, Origin::Cache),
        });
        if let Origin::CacheWriteFailed(error) = &origin {
            let plugin = name;
            self.inner
                .observer
                .event(&Event::CacheWriteFailed { plugin, error });
        }
        Ok(Plugin::new(
            self.clone(),
            name,
            prepared,
            host_bytes,
            requests,
        ))
    }
}
