//! How a file is packed, which its name says.

use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Packing {
    /// By the end of a name, and the name without it.
    pub(crate) fn of(path: &Path) -> (Self, String) {
        let name = path.as_os_str().to_string_lossy();
        for (end, packing) in [(".gz", Self::Gzip), (".zst", Self::Zstd)] {
            if let Some(rest) = name.strip_suffix(end) {
                return (packing, rest.to_owned());
            }
        }
        (Self::None, name.into_owned())
    }

    /// What a packed file holds, all of its parts.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(super) fn unpack(
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
