//! What says that an artifact is unchanged since Kumiki wrote it.
//!
//! A seal holds the keyed hash of the artifact's bytes, and what the file
//! looked like when that hash was last seen to hold: a file that still looks so
//! is not read again. The seal itself ends with a keyed hash of what it says and
//! of the key of the artifact that it is for.

use std::io::{self, Read};

use super::fault::Fault;
use super::folder::{self, Folder};
use super::identity::FileIdentity;
use super::key::ArtifactKey;

const KEY: &str = "key";

/// The key that seals are made with: 32 random bytes in the folder, which only
/// its owner reads.
#[derive(Clone)]
pub(super) struct SealKey([u8; 32]);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey")
    }
}

impl SealKey {
    /// The folder's key; made if there is nothing at all in the folder. What
    /// lies there without a key was not put there by Kumiki.
    pub(super) fn of(folder: &Folder) -> Result<Self, Fault> {
        const HINT: &str = "if it is a cache of Kumiki's, remove it, and it is made anew; \
                            otherwise set KUMIKI_CACHE to a new folder";
        let fault = |error: io::Error| {
            let place = folder.path().display();
            Fault::new(format!("cannot use the key in `{place}`: {error}"), HINT)
        };
        match Self::read(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            read => return read.map_err(fault),
        }
        let names = folder.names().map_err(fault)?;
        // Another process may be at it as well, or have been quicker.
        let is_key = |name: &str| name.starts_with(KEY);
        if !names.iter().all(|name| name.to_str().is_some_and(is_key))
            && !names.iter().any(|name| name == KEY)
        {
            let error = io::Error::other("there is none, and other files are");
            return Err(fault(error));
        }
        let random = folder::random().map_err(fault)?;
        folder.place(KEY, &random).map_err(fault)?;
        Self::read(folder).map_err(fault)
    }

    fn read(folder: &Folder) -> io::Result<Self> {
        let (mut file, metadata) = folder.open_file(KEY)?;
        let mut key = [0; 32];
        if metadata.len() != key.len() as u64 {
            return Err(io::Error::other("it does not have 32 bytes"));
        }
        file.read_exact(&mut key)?;
        Ok(Self(key))
    }

    /// The keyed hash of an artifact's bytes.
    pub(super) fn digest(&self, bytes: impl Read) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update_reader(bytes)?;
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// What was written under `name`, with a keyed hash of both behind it.
    pub(super) fn seal(&self, kind: &str, name: &str, text: &str) -> String {
        format!("{text}\n{}\n", self.hash(kind, name, text).to_hex())
    }

    /// The text that was sealed; none where it is not whole, or not of this
    /// kind, name and key.
    pub(super) fn check<'a>(&self, kind: &str, name: &str, sealed: &'a str) -> Option<&'a str> {
        let (text, seal) = sealed.strip_suffix('\n')?.rsplit_once('\n')?;
        // Compared in constant time.
        (blake3::Hash::from_hex(seal).ok()? == self.hash(kind, name, text)).then_some(text)
    }

    fn hash(&self, kind: &str, name: &str, text: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        // Nothing sealed is an artifact, nor of another kind: the lengths and
        // the kind's word keep them apart.
        for part in [kind, name, text] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize()
    }
}

/// What a seal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    /// The keyed hash of the artifact.
    pub(super) digest: String,
    /// What the artifact's file looked like when that was last seen to hold;
    /// none where it had just been written, and might have been again.
    pub(super) identity: Option<FileIdentity>,
    /// Bytes that the host keeps for the core instances of one instance, about.
    pub(super) setup: usize,
    /// What the plugin was called when it was compiled.
    pub(super) plugin: String,
}

impl Seal {
    pub(super) fn text(&self, key: &ArtifactKey, seal_key: &SealKey) -> String {
        let Self {
            digest,
            identity,
            setup,
            plugin,
        } = self;
        let identity = FileIdentity::text_of(identity.as_ref());
        // The name may be anything, and is for people only.
        let plugin = plugin.escape_debug();
        let text = format!("{digest}\n{identity}\n{setup}\n{plugin}");
        seal_key.seal("seal", key.as_str(), &text)
    }

    /// Reads a seal; none where it is not whole, or not of this key.
    pub(super) fn read(text: &str, key: &ArtifactKey, seal_key: &SealKey) -> Option<Self> {
        let text = seal_key.check("seal", key.as_str(), text)?;
        let mut lines = text.splitn(4, '\n');
        Some(Self {
            digest: lines.next()?.to_owned(),
            identity: FileIdentity::read_any(lines.next()?)?,
            setup: lines.next()?.parse().ok()?,
            plugin: lines.next()?.to_owned(),
        })
    }
}
