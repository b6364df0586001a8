//! Artifact keys: a hash of everything that determines an artifact.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::engine::{ModuleHash, SharedModule};
use crate::load::ContractSource;

/// The version of the cache format. Increment it when the format of artifacts or seals
/// changes, or the checks of a component before it is compiled.
const FORMAT: u32 = 7;

/// The part of an artifact key that all components of one engine and contract share. It
/// covers everything that determines an artifact except the component: the engine's exact
/// version and settings and the processor's features (all in wasmtime's compatibility
/// hash), this crate's version, and the contract that components are checked against.
#[derive(Clone)]
pub(crate) struct KeyPrefix {
    hasher: blake3::Hasher,
    text: String,
}

impl KeyPrefix {
    /// `shares_modules` is whether the component's artifact is without its large core
    /// modules.
    pub(crate) fn new(
        engine: &wasmtime::Engine,
        contract: &ContractSource,
        shares_modules: bool,
    ) -> Self {
        let mut hasher = of_engine(engine);
        contract.hash(&mut hasher);
        shares_modules.hash(&mut hasher);
        let Blake3(hasher) = hasher;
        let text = hasher.finalize().to_hex().to_string();
        Self { hasher, text }
    }

    /// Returns the prefix's own hash as hexadecimal digits.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the key of a component's artifact.
    pub(crate) fn key(&self, component: &[u8]) -> ArtifactKey {
        let mut hasher = self.hasher.clone();
        hasher.update(component);
        ArtifactKey(hasher.finalize().to_hex().to_string())
    }
}

/// Hashes what all artifacts of an engine share.
fn of_engine(engine: &wasmtime::Engine) -> Blake3 {
    let mut hasher = Blake3(blake3::Hasher::new());
    FORMAT.hash(&mut hasher);
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher
}

/// The key of an artifact: hexadecimal digits, and for a core module the digits of its
/// hash after a `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ArtifactKey(String);

impl ArtifactKey {
    /// Returns the key of a core module's artifact.
    pub(crate) fn of_module(engine: &wasmtime::Engine, module: ModuleHash) -> Self {
        let Blake3(hasher) = of_engine(engine);
        Self(format!("{}-{module}", hasher.finalize().to_hex()))
    }

    /// Returns the keys of core modules' artifacts.
    pub(super) fn of_modules(
        engine: &wasmtime::Engine,
        modules: &[Arc<SharedModule>],
    ) -> Vec<Self> {
        let keys = modules.iter().map(|it| Self::of_module(engine, it.hash));
        keys.collect()
    }

    /// Returns the hash of the core module, if it is one.
    pub(super) fn module(&self) -> Option<ModuleHash> {
        self.0.split_once('-')?.1.parse().ok()
    }

    /// Returns the name of the artifact's file.
    pub(super) fn artifact(&self) -> String {
        format!("{}.artifact", self.0)
    }

    /// Returns the name of the seal's file.
    pub(super) fn seal(&self) -> String {
        format!("{}.seal", self.0)
    }

    /// Returns the name of its lock's file. There is a fixed number of them. A component
    /// and its modules never have the same one, because they are locked together.
    pub(super) fn lock(&self) -> String {
        let shard = self.0.get(self.0.len().saturating_sub(2)..);
        let shard = shard.unwrap_or_default();
        match self.module() {
            Some(_) => format!("lock-module-{shard}"),
            None => format!("lock-{shard}"),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses the text of [`ArtifactKey::as_str`].
    pub(super) fn read(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Formats the keys of modules.
    pub(super) fn text_of(modules: &[Self]) -> String {
        let modules: Vec<_> = modules.iter().map(Self::as_str).collect();
        modules.join(" ")
    }

    /// Parses the text of [`ArtifactKey::text_of`].
    pub(super) fn read_all(text: &str) -> Vec<Self> {
        text.split_terminator(' ').map(Self::read).collect()
    }

    /// Parses the name of a seal's file.
    pub(super) fn of_seal(name: &str) -> Option<Self> {
        name.strip_suffix(".seal").map(Self::read)
    }

    /// Parses the name of an artifact's file.
    pub(super) fn of_artifact(name: &str) -> Option<Self> {
        name.strip_suffix(".artifact").map(Self::read)
    }
}

/// A [`Hasher`] that gives the same result in every process.
struct Blake3(blake3::Hasher);

impl Hasher for Blake3 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let mut start = [0; 8];
        self.0.finalize_xof().fill(&mut start);
        u64::from_le_bytes(start)
    }
}
