//! The compiler's result, and the component that the loader makes of it.

#[cfg(feature = "cache")]
use std::borrow::Cow;
use std::io;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::machine_code;

/// A component that was just compiled.
pub(crate) struct Compiled {
    code: Code,
    /// The approximate number of bytes that the host keeps for the core instances of one
    /// instance.
    pub(crate) host_bytes: usize,
}

enum Code {
    /// Compiled in this process.
    Component(Component),
    /// Compiled in a child process.
    Artifact(Vec<u8>),
}

impl Compiled {
    /// Creates a result from a component that was compiled in this process.
    pub(crate) fn component(component: Component, host_bytes: usize) -> Self {
        let code = Code::Component(component);
        Self { code, host_bytes }
    }

    /// Creates a result from an artifact that a child process compiled.
    pub(crate) fn artifact(artifact: Vec<u8>, host_bytes: usize) -> Self {
        let code = Code::Artifact(artifact);
        Self { code, host_bytes }
    }

    /// Returns the artifact's bytes, for the cache.
    #[cfg(feature = "cache")]
    pub(super) fn bytes(&self) -> wasmtime::Result<Cow<'_, [u8]>> {
        match &self.code {
            Code::Component(component) => component.serialize().map(Cow::Owned),
            Code::Artifact(bytes) => Ok(Cow::Borrowed(bytes)),
        }
    }

    /// Returns the component; `engine` must have the configuration that it was compiled
    /// for.
    fn into_component(self, engine: &Engine) -> wasmtime::Result<Component> {
        match self.code {
            Code::Component(component) => Ok(component),
            Code::Artifact(bytes) => machine_code::load(engine, &bytes),
        }
    }
}

/// A component that is ready to be linked.
pub(crate) struct Ready {
    pub(crate) component: Component,
    /// The approximate number of bytes that the host keeps for the core instances of one
    /// instance.
    pub(crate) host_bytes: usize,
    pub(crate) origin: Origin,
}

/// The origin of a component.
#[derive(Debug)]
pub(crate) enum Origin {
    /// It was in the cache.
    #[cfg_attr(
        not(feature = "cache"),
        expect(dead_code, reason = "there is no cache")
    )]
    Cache,
    /// It was compiled, and stored in the cache if there is one.
    Compiled,
    /// It was compiled, but could not be stored in the cache.
    #[cfg_attr(
        not(feature = "cache"),
        expect(dead_code, reason = "there is no cache")
    )]
    CacheWriteFailed(io::Error),
}

impl Ready {
    /// Makes a compiled component ready; `engine` must have the configuration that it
    /// was compiled for.
    pub(crate) fn new(
        compiled: Compiled,
        engine: &Engine,
        origin: Origin,
    ) -> wasmtime::Result<Self> {
        Ok(Self {
            host_bytes: compiled.host_bytes,
            component: compiled.into_component(engine)?,
            origin,
        })
    }
}
