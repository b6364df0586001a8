//! The replacement for `cache/` without the feature `cache`: no value of these types can be
//! created.

use std::fs::Metadata;
use std::path::Path;
use std::time::SystemTime;

use wasmtime::Module;
use wasmtime::component::Component;

use super::compiled::{Fresh, Needs, Ready};
use super::contract::ContractSource;
use crate::engine::ModuleHash;
use crate::{Engine, Result};

/// The folder of the compile cache.
#[derive(Clone, Debug)]
pub(crate) enum Cache {}

/// The cache, for the components of one contract and engine.
pub(crate) enum ContractCache {}

/// A component that was found by the identity of its file.
pub(crate) struct IndexedComponent {
    pub(crate) ready: Ready<Component>,
    pub(crate) requests: String,
    pub(crate) bytes: usize,
}

/// The key of an artifact.
pub(crate) enum ArtifactKey {}

/// The identity of a file.
#[derive(PartialEq, Eq)]
pub(crate) enum FileIdentity {}

impl FileIdentity {
    pub(crate) fn of(_: &Metadata) -> Option<Self> {
        None
    }
}

impl ContractCache {
    pub(crate) fn new(cache: Cache, _: &Engine, _: &ContractSource, _: bool) -> Self {
        match cache {}
    }

    pub(crate) fn key(&self, _: &[u8]) -> ArtifactKey {
        match *self {}
    }

    pub(crate) fn get_or_compile(
        &self,
        _: &Engine,
        _: &ArtifactKey,
        _: &str,
        _: impl FnOnce() -> Result<Fresh<Component>>,
    ) -> Result<Ready<Component>> {
        match *self {}
    }

    pub(crate) fn get_or_compile_module(
        &self,
        _: &Engine,
        _: ModuleHash,
        _: &str,
        _: impl FnOnce() -> Result<Fresh<Module>>,
    ) -> Result<Ready<Module>> {
        match *self {}
    }

    pub(crate) fn store_runtime(&self, _: ModuleHash, _: &[u8]) -> std::io::Result<()> {
        match *self {}
    }

    pub(crate) fn runtime(&self, _: ModuleHash, _: usize) -> Option<Vec<u8>> {
        match *self {}
    }

    pub(crate) fn indexed(&self, _: &Engine, _: &Path, _: usize) -> Option<IndexedComponent> {
        match *self {}
    }

    pub(crate) fn indexed_requests(&self, _: &Path, _: usize) -> Option<String> {
        match *self {}
    }

    pub(crate) fn index(
        &self,
        _: &Engine,
        _: ArtifactKey,
        _: &(FileIdentity, SystemTime),
        _: &str,
        _: &Needs,
    ) {
        match *self {}
    }
}
