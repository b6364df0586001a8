//! Detects changes since the last build by hashing everything that a component
//! is built from.

use std::fmt;
use std::io::{self, Read as _};
use std::path::Path;

use crate::error::Error;
use crate::reading;
use crate::sources::sources;

/// The maximum total size of a project's sources, in bytes.
const MAX_BYTES: u64 = 4 << 30;

/// The hash of everything that a component was built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(blake3::Hash);

impl Fingerprint {
    pub(crate) fn hash(self) -> blake3::Hash {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Computes a [`Fingerprint`] from labelled pieces of data.
///
/// Each piece is hashed with its label and its length, so that different lists
/// of pieces have different hashes.
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Creates a hasher, seeded with this library's version: another version
    /// may build differently.
    pub fn new() -> Self {
        Self(blake3::Hasher::new()).bytes("kumiki-build", env!("CARGO_PKG_VERSION").as_bytes())
    }

    /// Adds a piece of data.
    #[must_use]
    pub fn bytes(mut self, label: &str, bytes: &[u8]) -> Self {
        for part in [label.as_bytes(), bytes] {
            self.0.update(&(part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// Adds a file, or all sources of a folder with their names. `path` itself
    /// is not hashed, so a checkout can move.
    ///
    /// # Errors
    /// A file that cannot be read or is not a regular file, a symbolic link to
    /// a folder among the sources, more than 20,000 files, or more than 4 GiB
    /// in total.
    pub fn path(self, path: &Path) -> Result<Self, Error> {
        let mut remaining = MAX_BYTES;
        if !path.is_dir() {
            let content = content(path, &mut remaining).map_err(Error::io("read", path))?;
            return Ok(self.bytes("", content.as_bytes()));
        }
        let sources = sources(path)?;
        sources.into_iter().try_fold(self, |hasher, name| {
            let file = path.join(&name);
            let content = content(&file, &mut remaining).map_err(Error::io("read", &file))?;
            Ok(hasher.bytes(&name.to_string_lossy(), content.as_bytes()))
        })
    }

    /// Returns the fingerprint of everything that was added.
    pub fn finish(self) -> Fingerprint {
        Fingerprint(self.0.finalize())
    }
}

/// Hashes a regular file and subtracts its length from `remaining`.
fn content(path: &Path, remaining: &mut u64) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    let mut file = reading::open(path)?.take(*remaining + 1);
    let length = io::copy(&mut file, &mut hasher)?;
    match remaining.checked_sub(length) {
        Some(rest) => {
            *remaining = rest;
            Ok(hasher.finalize())
        }
        None => Err(io::Error::other(format!(
            "the sources exceed {MAX_BYTES} bytes in total"
        ))),
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    type Change = fn(&Path);

    fn fingerprint(folder: &Path) -> Fingerprint {
        Hasher::new().path(folder).unwrap().finish()
    }

    fn sources() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/plugin.c"), "int a;").unwrap();
        fs::write(folder.path().join("kumiki.toml"), "name = 'a'").unwrap();
        folder
    }

    #[test]
    fn source_changes_change_the_fingerprint() {
        let cases: [(&str, Change); 6] = [
            ("content", |p| {
                fs::write(p.join("src/plugin.c"), "int b;").unwrap()
            }),
            ("new file", |p| {
                fs::write(p.join("src/other.c"), "").unwrap()
            }),
            ("empty file", |p| fs::write(p.join("empty"), "").unwrap()),
            ("rename", |p| {
                fs::rename(p.join("kumiki.toml"), p.join("kumiki.toml2")).unwrap()
            }),
            ("move", |p| {
                fs::rename(p.join("src/plugin.c"), p.join("plugin.c")).unwrap()
            }),
            ("removal", |p| {
                fs::remove_file(p.join("kumiki.toml")).unwrap()
            }),
        ];
        for (name, change) in cases {
            let folder = sources();
            let before = fingerprint(folder.path());
            change(folder.path());
            assert_ne!(before, fingerprint(folder.path()), "{name}");
        }
    }

    #[test]
    fn other_changes_keep_the_fingerprint() {
        let cases: [(&str, Change); 6] = [
            ("component", |p| fs::write(p.join("a.wasm"), "x").unwrap()),
            ("nothing", |_| ()),
            ("declarations", |p| {
                fs::write(p.join("kumiki.d.ts"), "x").unwrap()
            }),
            ("same content", |p| {
                fs::write(p.join("src/plugin.c"), "int a;").unwrap()
            }),
            ("hidden file", |p| {
                fs::write(p.join(".plugin.c.swp"), "x").unwrap()
            }),
            ("node_modules", |p| {
                fs::create_dir_all(p.join("node_modules/x")).unwrap()
            }),
        ];
        for (name, change) in cases {
            let folder = sources();
            let before = fingerprint(folder.path());
            change(folder.path());
            assert_eq!(before, fingerprint(folder.path()), "{name}");
        }
    }

    #[test]
    fn fingerprint_ignores_the_folder_path() {
        assert_eq!(fingerprint(sources().path()), fingerprint(sources().path()));
    }

    #[test]
    fn piece_boundaries_are_hashed() {
        let ab_c = Hasher::new().bytes("l", b"ab").bytes("l", b"c").finish();
        let a_bc = Hasher::new().bytes("l", b"a").bytes("l", b"bc").finish();
        let label = Hasher::new().bytes("la", b"b").bytes("l", b"c").finish();
        assert_ne!(ab_c, a_bc);
        assert_ne!(ab_c, label);
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_sources() {
        let folder = sources();
        let pipe = folder.path().join("src/x.c");
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
        assert!(Hasher::new().path(folder.path()).is_err(), "a pipe");
        fs::remove_file(&pipe).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &pipe).unwrap();
        assert!(Hasher::new().path(folder.path()).is_err(), "a device");
        fs::remove_file(&pipe).unwrap();
        fs::File::create(&pipe)
            .unwrap()
            .set_len(MAX_BYTES + 1)
            .unwrap();
        assert!(content(&pipe, &mut 10).is_err(), "too long");
        assert!(content(&pipe, &mut 0).is_err(), "too long");
    }

    #[test]
    fn missing_file_is_named_in_the_error() {
        let error = Hasher::new().path(Path::new("no/such/file")).err().unwrap();
        assert_eq!(error.to_string(), "cannot read no/such/file");
    }
}
