//! Decompresses pages to exactly the size in their headers.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use parquet::basic::Compression;

/// Decompresses pages of one compression.
pub(super) enum Unpacker {
    None,
    Snappy(snap::raw::Decoder),
    Gzip,
    /// Has no state: a decompressor for each of very many columns would take gigabytes.
    Zstd,
}

impl Unpacker {
    /// # Errors
    /// When this compression is not built in.
    pub(super) fn of(compression: Compression) -> Result<Self, String> {
        Ok(match compression {
            Compression::UNCOMPRESSED => Self::None,
            Compression::SNAPPY => Self::Snappy(snap::raw::Decoder::new()),
            Compression::GZIP(_) => Self::Gzip,
            Compression::ZSTD(_) => Self::Zstd,
            other => return Err(format!("its compression, {other}, is not supported")),
        })
    }

    /// Decompresses `packed` into `size` bytes, after those in `out`.
    ///
    /// # Errors
    /// When the bytes are malformed, or decompress to more or fewer bytes.
    pub(super) fn unpack(
        &mut self,
        packed: &[u8],
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let from = out.len();
        let other_size = || format!("its decompressed size is not the {size} bytes in its header");
        let found = match self {
            Self::None => {
                if packed.len() == size {
                    out.extend_from_slice(packed);
                }
                packed.len()
            }
            // A page without values may have no bytes, or any.
            _ if size == 0 => 0,
            Self::Snappy(snappy) => {
                if snap::raw::decompress_len(packed) != Ok(size) {
                    return Err(other_size());
                }
                out.resize(from + size, 0);
                let found = snappy.decompress(packed, &mut out[from..]);
                found.map_err(|error| format!("decompression failed: {error}"))?
            }
            Self::Gzip => {
                // A byte more shows whether it is longer.
                let limit = (size as u64).saturating_add(1);
                out.reserve(size + 1);
                let mut unpacked = MultiGzDecoder::new(packed).take(limit);
                let found = unpacked.read_to_end(out);
                found.map_err(|error| format!("decompression failed: {error}"))?
            }
            Self::Zstd => {
                out.resize(from + size, 0);
                let found = zstd::bulk::decompress_to_buffer(packed, &mut out[from..]);
                // It fails in the same way for malformed bytes and for more of them.
                found.map_err(|error| format!("{}: {error}", other_size()))?
            }
        };
        match found == size {
            true => Ok(()),
            false => Err(other_size()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// The same bytes in every compression.
    fn packed(bytes: &[u8]) -> Vec<(Compression, Vec<u8>)> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(bytes).unwrap();
        let snappy = snap::raw::Encoder::new().compress_vec(bytes).unwrap();
        vec![
            (Compression::UNCOMPRESSED, bytes.to_vec()),
            (Compression::SNAPPY, snappy),
            (
                Compression::GZIP(Default::default()),
                gzip.finish().unwrap(),
            ),
            (
                Compression::ZSTD(Default::default()),
                zstd::encode_all(bytes, 1).unwrap(),
            ),
        ]
    }

    #[test]
    fn page_size_must_match_its_header() {
        let bytes = b"abc".repeat(1000);
        for (compression, packed) in packed(&bytes) {
            let mut unpacker = Unpacker::of(compression).unwrap();
            for size in [2_999, 3_000, 3_001, 1, usize::MAX >> 40] {
                let mut out = b"levels".to_vec();
                let result = unpacker.unpack(&packed, size, &mut out);
                match size {
                    3_000 => assert_eq!(&out[6..], bytes, "{compression}"),
                    _ => assert!(
                        result.unwrap_err().contains("its decompressed size is not"),
                        "{compression}"
                    ),
                }
            }
            let mut out = Vec::new();
            let cut = &packed[..packed.len() / 2];
            assert!(unpacker.unpack(cut, 3_000, &mut out).is_err());
        }
    }

    #[test]
    fn unsupported_compressions_are_rejected() {
        let error = Unpacker::of(Compression::LZ4_RAW).err().unwrap();
        assert!(error.contains("LZ4_RAW"), "{error}");
    }
}
