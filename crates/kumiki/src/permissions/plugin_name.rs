//! Names of plugins in a grants file.

use std::fmt;
use std::path::{Path, PathBuf};

const HASH: &str = "blake3:";

/// How a grants file names a plugin. The name in the plugin's own metadata is never used,
/// because a plugin can claim any name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PluginName {
    /// The file's name without `.wasm`: `text-upper`.
    Stem(String),
    /// The file's path, which contains a `/`: `./plugins/text-upper.wasm`.
    Path(PathBuf),
    /// The BLAKE3 hash of the component as 64 lower-case hexadecimal digits:
    /// `blake3:…`.
    Hash(String),
}

impl PluginName {
    /// Parses a name; a relative path is relative to `base`.
    pub(super) fn parse(text: &str, base: &Path) -> Result<Self, String> {
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

    /// Returns the name by hash of the component in `bytes`.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::Hash(blake3::hash(bytes).to_string())
    }

    /// Returns whether this is a name of the plugin in `file`: by file name, or by a path
    /// to the same file. Always false for a hash.
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

/// Writes the name as it appears in a grants file.
impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stem(stem) => f.write_str(stem),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Hash(hash) => write!(f, "{HASH}{hash}"),
        }
    }
}
