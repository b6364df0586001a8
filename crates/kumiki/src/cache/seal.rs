//! What says that an artifact is unchanged since Kumiki wrote it.
//!
//! A seal holds the keyed hash of the artifact's bytes, and what the file
//! looked like when that hash was last seen to hold: a large file that still
//! looks so is not read again. The seal itself ends with a keyed hash of what
//! it says and of the key of the artifact that it is for.

use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::Path;

use super::key::ArtifactKey;
use super::{folder, replace};

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
    /// The folder's key; made if there is none.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let path = folder.join(KEY);
        let read = || -> io::Result<Self> {
            let bytes = fs::read(&path)?;
            let key = <[u8; 32]>::try_from(bytes)
                .map_err(|_| io::Error::other("it does not have 32 bytes"))?;
            Ok(Self(key))
        };
        match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        // Of two processes that make one, the first to put it in place wins.
        let temporary = folder::temporary(&path);
        replace(&temporary, &folder::random()?)?;
        let linked = fs::hard_link(&temporary, &path);
        let _ = fs::remove_file(&temporary);
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => read(),
        }
    }

    /// The keyed hash of an artifact's bytes.
    pub(super) fn digest(&self, bytes: impl Read) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update_reader(bytes)?;
        Ok(hasher.finalize().to_hex().to_string())
    }

    fn of_text(&self, key: &ArtifactKey, text: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        // No seal is an artifact: the lengths and this word keep them apart.
        for part in ["seal", key.as_str(), text] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize()
    }
}

/// What a file looks like from outside: it looks different after every change
/// of its bytes, for nobody but root sets the time of the last change of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// In bytes.
    pub(super) length: u64,
    rest: [i128; 4],
}

impl Identity {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;

        let nanoseconds =
            |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            length: metadata.len(),
            rest: [
                metadata.dev().into(),
                metadata.ino().into(),
                nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
                nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            ],
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            rest: [0; 4],
        }
    }

    fn text(&self) -> String {
        let [device, inode, modified, changed] = self.rest;
        format!("{} {device} {inode} {modified} {changed}", self.length)
    }

    fn read(text: &str) -> Option<Self> {
        let (length, rest) = text.split_once(' ')?;
        let rest: Vec<i128> = rest
            .split(' ')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        Some(Self {
            length: length.parse().ok()?,
            rest: rest.try_into().ok()?,
        })
    }
}

/// What a seal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    /// The keyed hash of the artifact.
    pub(super) digest: String,
    /// What the artifact's file looked like when that was last seen to hold.
    pub(super) identity: Identity,
    /// What the plugin was called when it was compiled.
    pub(super) plugin: String,
}

impl Seal {
    pub(super) fn text(&self, key: &ArtifactKey, seal_key: &SealKey) -> String {
        let Self {
            digest,
            identity,
            plugin,
        } = self;
        // The name may be anything, and is for people only.
        let plugin = plugin.escape_debug();
        let text = format!("{digest}\n{}\n{plugin}\n", identity.text());
        let seal = seal_key.of_text(key, &text);
        format!("{text}{}\n", seal.to_hex())
    }

    /// Reads a seal; none where it is not whole, or not of this key.
    pub(super) fn read(text: &str, key: &ArtifactKey, seal_key: &SealKey) -> Option<Self> {
        let (text, seal) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let text = format!("{text}\n");
        // Compared in constant time.
        if blake3::Hash::from_hex(seal).ok()? != seal_key.of_text(key, &text) {
            return None;
        }
        let mut lines = text.lines();
        Some(Self {
            digest: lines.next()?.to_owned(),
            identity: Identity::read(lines.next()?)?,
            plugin: lines.next()?.to_owned(),
        })
    }
}
