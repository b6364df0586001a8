//! Seals, which prove that an artifact is unchanged since Kumiki wrote it.
//!
//! A seal contains the keyed hash of the artifact's bytes, and the file's identity when
//! the hash was last verified: a file with the same identity is not read again. The seal
//! ends with a keyed hash of its own contents and the artifact's key.

use std::io::{self, Read};

use super::folder::{self, Folder, REMOVE_HINT};
use super::folder_error::FolderError;
use super::identity::FileIdentity;
use super::key::ArtifactKey;
use crate::inspect::InstanceSize;

/// The name of the key's file.
const KEY: &str = "key";

/// The key of the seals' hashes: 32 random bytes in a file that only its owner can read.
#[derive(Clone)]
pub(super) struct SealKey([u8; 32]);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey")
    }
}

impl SealKey {
    /// Reads the folder's key; creates it if the folder is empty. Files without a key were
    /// not written by Kumiki.
    pub(super) fn of(folder: &Folder) -> Result<Self, FolderError> {
        let cannot = |error: io::Error| {
            let path = folder.path().display();
            let message = format!("cannot use the key in `{path}`: {error}");
            FolderError::new(message, REMOVE_HINT)
        };
        match Self::read(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            read => return read.map_err(cannot),
        }
        let names = folder.names().map_err(cannot)?;
        // Another process may be creating the key, or have created it just now.
        let is_key = |name: &str| name.starts_with(KEY);
        if !names.iter().all(|name| name.to_str().is_some_and(is_key))
            && !names.iter().any(|name| name == KEY)
        {
            let error = io::Error::other("it is missing, but there are other files");
            return Err(cannot(error));
        }
        let random = folder::random().map_err(cannot)?;
        folder.write_new(KEY, &random).map_err(cannot)?;
        Self::read(folder).map_err(cannot)
    }

    fn read(folder: &Folder) -> io::Result<Self> {
        let (mut file, metadata) = folder.open_file(KEY)?;
        let mut key = [0; 32];
        if metadata.len() != key.len() as u64 {
            return Err(io::Error::other("its length is not 32 bytes"));
        }
        file.read_exact(&mut key)?;
        Ok(Self(key))
    }

    /// Returns the keyed hash of an artifact's bytes.
    pub(super) fn digest(&self, bytes: impl Read) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update_reader(bytes)?;
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// Appends the keyed hash of a file's kind, name and text to the text.
    pub(super) fn seal(&self, kind: &str, name: &str, text: &str) -> String {
        format!("{text}\n{}\n", self.hash(kind, name, text).to_hex())
    }

    /// Returns the text that was sealed; `None` if it was changed, or sealed for another
    /// kind or name or with another key.
    pub(super) fn unseal<'a>(&self, kind: &str, name: &str, sealed: &'a str) -> Option<&'a str> {
        let (text, seal) = sealed.strip_suffix('\n')?.rsplit_once('\n')?;
        // Compared in constant time.
        (blake3::Hash::from_hex(seal).ok()? == self.hash(kind, name, text)).then_some(text)
    }

    fn hash(&self, kind: &str, name: &str, text: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        // The lengths and the kind ensure that no two inputs have the same hash input,
        // and that none equals an artifact.
        for part in [kind, name, text] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize()
    }
}

/// The contents of a seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    /// The keyed hash of the artifact.
    pub(super) digest: String,
    /// The identity of the artifact's file when the hash was last verified; `None` if the
    /// file had just been written, so that another write could go unnoticed.
    pub(super) identity: Option<FileIdentity>,
    /// The size of one instance.
    pub(super) size: InstanceSize,
    /// Whether it is for an engine with concurrency.
    pub(super) concurrency: bool,
    /// The core modules that it imports.
    pub(super) modules: Vec<ArtifactKey>,
    /// The plugin's name when it was compiled, escaped; it is for display only.
    pub(super) plugin: String,
}

impl Seal {
    pub(super) fn text(&self, key: &ArtifactKey, seal_key: &SealKey) -> String {
        let Self {
            digest,
            identity,
            size,
            concurrency,
            modules,
            plugin,
        } = self;
        let identity = FileIdentity::text_of(identity.as_ref());
        let modules = ArtifactKey::text_of(modules);
        let text = format!("{digest}\n{identity}\n{size}\n{concurrency}\n{modules}\n{plugin}");
        seal_key.seal("seal", key.as_str(), &text)
    }

    /// Parses a seal; returns `None` if it was changed, or is not for this key.
    pub(super) fn read(text: &str, key: &ArtifactKey, seal_key: &SealKey) -> Option<Self> {
        let text = seal_key.unseal("seal", key.as_str(), text)?;
        let mut lines = text.splitn(6, '\n');
        Some(Self {
            digest: lines.next()?.to_owned(),
            identity: FileIdentity::read_optional(lines.next()?)?,
            size: lines.next()?.parse().ok()?,
            concurrency: lines.next()?.parse().ok()?,
            modules: ArtifactKey::read_all(lines.next()?),
            plugin: lines.next()?.to_owned(),
        })
    }
}
