//! The inputs of a run.

pub(crate) mod open;

use std::fmt;
use std::io::Read;
use std::path::PathBuf;

/// One input of a run.
#[non_exhaustive]
pub enum Input {
    /// A string, which is one record whatever the format of the inputs is.
    Text(String),
    /// A stream. Parquet cannot be read from it.
    Stream {
        /// The name of the stream in results and messages.
        name: String,
        /// The bytes.
        reader: Box<dyn Read + Send>,
    },
    /// A file, decompressed when its name ends in `.gz` or `.zst`.
    File(PathBuf),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.debug_tuple("Text").field(text).finish(),
            Self::Stream { name, .. } => f.debug_tuple("Stream").field(name).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}
