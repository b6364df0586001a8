//! The compression of a file, chosen by its extension.

use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// The compression of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Packing {
    /// The compression for the extension of a name, and the name without
    /// that extension.
    pub(crate) fn of_path(path: &Path) -> (Self, String) {
        let name = path.as_os_str().to_string_lossy();
        for (end, packing) in [(".gz", Self::Gzip), (".zst", Self::Zstd)] {
            if let Some(rest) = name.strip_suffix(end) {
                return (packing, rest.to_owned());
            }
        }
        (Self::None, name.into_owned())
    }

    /// A reader of the decompressed bytes of `file`, all concatenated parts
    /// included.
    ///
    /// # Errors
    /// When the decoder cannot be allocated.
    pub(crate) fn unpack(
        self,
        file: impl Read + Send + 'static,
    ) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::None => Box::new(file),
            Self::Gzip => Box::new(MultiGzDecoder::new(file)),
            Self::Zstd => Box::new(zstd::Decoder::new(file)?),
        })
    }
}
