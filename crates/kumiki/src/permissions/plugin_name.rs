//! How a file of grants names a plugin.

use std::fmt;
use std::path::{Path, PathBuf};

const HASH: &str = "blake3:";

/// How a file of grants names a plugin. What a plugin calls itself is its own
/// word and names nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PluginName {
    /// By its file's name without `.wasm`: `text-upper`.
    Stem(String),
    /// By its file, with a `/` in it: `./plugins/text-upper.wasm`.
    Path(PathBuf),
    /// By the BLAKE3 hash of its bytes, 64 lower-case hexadecimal digits:
    /// `blake3:…`.
    Hash(String),
}

impl PluginName {
    /// Reads a name; a relative path is taken from `base`.
    pub(super) fn read(text: &str, base: &Path) -> Result<Self, String> {
        if let Some(hash) = text.strip_prefix(HASH) {
            return match blake3::Hash::from_hex(hash) {
                Ok(hash) => Ok(Self::Hash(hash.to_string())),
                Err(_) => Err(format!(
                    "plugin `{text}`: a BLAKE3 hash has 64 hexadecimal digits"
                )),
            };
        }
        Ok(match text.contains(std::path::is_separator) {
            true => Self::Path(base.join(text)),
            false => Self::Stem(text.to_owned()),
        })
    }

    /// The name of the plugin that consists of these bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::Hash(blake3::hash(bytes).to_string())
    }

    /// Whether a plugin's file has this name; never for a hash, which is of
    /// bytes. Two paths to the same file are the same.
    #[must_use]
    pub fn is_of_file(&self, file: &Path) -> bool {
        match self {
            Self::Stem(stem) => file.file_stem().is_some_and(|found| found == &**stem),
            Self::Path(path) => match (path.canonicalize(), file.canonicalize()) {
                (Ok(path), Ok(file)) => path == file,
                _ => false,
            },
            Self::Hash(_) => false,
        }
    }
}

/// As it is read.
impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stem(stem) => f.write_str(stem),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Hash(hash) => write!(f, "{HASH}{hash}"),
        }
    }
}
