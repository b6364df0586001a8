//! Artifact keys: a hash of everything that determines an artifact.

use std::hash::{Hash, Hasher};

use crate::load::ContractSource;

/// The version of the cache format. Increment it when the format of artifacts or seals
/// changes, or the checks of a component before it is compiled.
const FORMAT: u32 = 4;

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
    pub(crate) fn new(engine: &wasmtime::Engine, contract: &ContractSource) -> Self {
        let mut hasher = Blake3(blake3::Hasher::new());
        FORMAT.hash(&mut hasher);
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        engine.precompile_compatibility_hash().hash(&mut hasher);
        contract.hash(&mut hasher);
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

/// The key of an artifact, as hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArtifactKey(String);

impl ArtifactKey {
    /// Returns the name of the artifact's file.
    pub(super) fn artifact(&self) -> String {
        format!("{}.artifact", self.0)
    }

    /// Returns the name of the seal's file.
    pub(super) fn seal(&self) -> String {
        format!("{}.seal", self.0)
    }

    /// Returns the part of the key that selects its lock.
    pub(super) fn shard(&self) -> &str {
        self.0.get(..2).unwrap_or_default()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses the text of [`ArtifactKey::as_str`].
    pub(super) fn read(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Parses the name of a seal's file.
    pub(super) fn of_seal(name: &str) -> Option<Self> {
        let key = name.strip_suffix(".seal")?;
        Some(Self(key.to_owned()))
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
