//! What an artifact is known by: all that went into it.

use std::hash::{Hash, Hasher};

/// Counts up whenever artifacts or seals are written in another way, or a
/// component is checked for something else before it is compiled.
const FORMAT: u32 = 4;

/// All that makes an artifact but the component: the engine with its exact
/// version, its settings and this processor's features (wasmtime's hash of
/// compatibility has them all), this crate's version, and the contract that a
/// component is checked against before it is compiled.
#[derive(Clone)]
pub(crate) struct Compiler {
    hasher: blake3::Hasher,
    name: String,
}

impl Compiler {
    pub(crate) fn new(
        engine: &wasmtime::Engine,
        wit: &str,
        world: &str,
        optional: &[&str],
    ) -> Self {
        let mut hasher = Blake3(blake3::Hasher::new());
        FORMAT.hash(&mut hasher);
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        engine.precompile_compatibility_hash().hash(&mut hasher);
        wit.hash(&mut hasher);
        world.hash(&mut hasher);
        optional.hash(&mut hasher);
        let Blake3(hasher) = hasher;
        let name = hasher.finalize().to_hex().to_string();
        Self { hasher, name }
    }

    /// All of it, as hexadecimal digits.
    pub(super) fn as_str(&self) -> &str {
        &self.name
    }

    /// The key of this component's artifact.
    pub(crate) fn key(&self, component: &[u8]) -> ArtifactKey {
        let mut hasher = self.hasher.clone();
        hasher.update(component);
        ArtifactKey(hasher.finalize().to_hex().to_string())
    }
}

/// What one artifact is known by, as hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArtifactKey(String);

impl ArtifactKey {
    /// The artifact's file.
    pub(super) fn artifact(&self) -> String {
        format!("{}.artifact", self.0)
    }

    /// The seal's file.
    pub(super) fn seal(&self) -> String {
        format!("{}.seal", self.0)
    }

    /// Which of the locks it has.
    pub(super) fn shard(&self) -> &str {
        self.0.get(..2).unwrap_or_default()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// A key that was written as [`ArtifactKey::as_str`] gives it.
    pub(super) fn read(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The key of a seal's file, by the file's name.
    pub(super) fn of_seal(name: &str) -> Option<Self> {
        let key = name.strip_suffix(".seal")?;
        Some(Self(key.to_owned()))
    }
}

/// A standard hasher that is the same in every process.
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
