//! The compiler's result, and the machine code that the loader makes of it.

#[cfg(feature = "cache")]
use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use wasmtime::Engine;

use super::machine_code::{self, MachineCode};
use crate::engine::SharedModule;
use crate::inspect::InstanceSize;

/// A component or core module that was just compiled.
pub(crate) enum Compiled<C> {
    /// Compiled in this process.
    Code(C),
    /// Compiled in a child process.
    Artifact(Vec<u8>),
}

impl<C: MachineCode> Compiled<C> {
    /// Returns the artifact's bytes, for the cache.
    #[cfg(feature = "cache")]
    pub(super) fn bytes(&self) -> wasmtime::Result<Cow<'_, [u8]>> {
        match self {
            Self::Code(code) => code.serialize().map(Cow::Owned),
            Self::Artifact(bytes) => Ok(Cow::Borrowed(bytes)),
        }
    }

    /// Returns the machine code; `engine` must have the configuration that it was compiled
    /// for.
    pub(super) fn into_code(self, engine: &Engine) -> wasmtime::Result<C> {
        match self {
            Self::Code(code) => Ok(code),
            Self::Artifact(bytes) => machine_code::load(engine, &bytes),
        }
    }
}

/// What a component needs besides its machine code.
#[derive(Clone, Default)]
pub(crate) struct Needs {
    /// The size of one instance.
    pub(crate) size: InstanceSize,
    /// Whether it needs an engine with
    /// [`EngineConfig::concurrency`](crate::EngineConfig::concurrency).
    pub(crate) concurrency: bool,
    /// The core modules that it imports instead of containing them.
    pub(crate) modules: Vec<Arc<SharedModule>>,
}

/// What the compiler made of a component or core module, to be stored in the cache.
pub(crate) struct Fresh<C> {
    pub(crate) code: Compiled<C>,
    pub(crate) needs: Needs,
    /// The error if a module that it needs could not be stored.
    #[cfg_attr(
        not(feature = "cache"),
        expect(dead_code, reason = "there is no cache")
    )]
    pub(crate) modules_stored: io::Result<()>,
}

/// Machine code that is ready to be linked.
pub(crate) struct Ready<C> {
    pub(crate) code: C,
    pub(crate) needs: Needs,
    pub(crate) origin: Origin,
}

/// The origin of machine code.
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
    /// It was compiled, but it, or a module that it imports, could not be stored in the
    /// cache.
    #[cfg_attr(
        not(feature = "cache"),
        expect(dead_code, reason = "there is no cache")
    )]
    CacheWriteFailed(io::Error),
}
