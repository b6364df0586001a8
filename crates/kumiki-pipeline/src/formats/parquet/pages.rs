//! The pages of a column chunk, checked one by one before they are decompressed.
//!
//! The crate parquet gets pages that were read here. So no header is read twice in
//! two ways.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytesize::ByteSize;
use parquet::basic::{Encoding, Type};
use parquet::column::page::Page;
use parquet::file::metadata::ColumnChunkMetaData;

use super::delta::{self, Lengths};
use super::footer::shown;
use super::levels::Levels;
use super::page_header::{PageContent, PageHeader};
use super::unpack::Unpacker;

/// Bytes that are read for the header of a page: at first, and then for longer ones.
const HEADERS: [usize; 4] = [1 << 10, 1 << 14, 1 << 17, 1 << 20];
/// The memory of a value in bytes, its levels and its offset included.
pub(super) const VALUE: usize = 16;
/// Maximum memory of a page's values that are decoded as a whole, in multiples of
/// the largest page. Nulls count as values.
const MAX_LENGTHS: usize = 4;

/// A number of bytes, for people.
pub(super) fn size(bytes: usize) -> String {
    ByteSize::b(bytes as u64).display().iec().to_string()
}

/// The pages of a column chunk.
pub(super) struct Pages {
    file: Arc<File>,
    /// The bytes of the file that are still to be read.
    at: u64,
    end: u64,
    unpacker: Unpacker,
    /// Maximum bytes of a page.
    most: usize,
    kind: Type,
    /// Bytes of a value of a fixed length.
    fixed: usize,
    levels: Levels,
    location: PageLocation,
    /// Whether a page was started that is not an index.
    is_begun: bool,
    /// The header of the next page, if it was read.
    next: Option<PageHeader>,
}

/// Where a page is, for errors.
struct PageLocation {
    group: usize,
    column: String,
    /// Number of pages that were begun.
    page: usize,
}

impl PageLocation {
    fn error(&self, reason: impl AsRef<str>) -> String {
        format!(
            "page {} of {}: {}",
            self.page,
            self.chunk(),
            reason.as_ref()
        )
    }

    fn chunk(&self) -> String {
        let (column, group) = (&self.column, self.group + 1);
        format!("column `{column}` in row group {group}")
    }
}

impl Pages {
    /// The pages of a column chunk of row group `group`, counted from 0. No page may
    /// have more than `most` bytes.
    ///
    /// # Errors
    /// When the chunk is not in the file, or its compression is not built in.
    pub(super) fn of(
        file: Arc<File>,
        group: usize,
        chunk: &ColumnChunkMetaData,
        most: usize,
    ) -> Result<Self, String> {
        let location = PageLocation {
            group,
            column: shown(chunk.column_path().string().as_bytes()),
            page: 0,
        };
        let error = |reason: &str| format!("{}: {reason}", location.chunk());
        let from = chunk
            .dictionary_page_offset()
            .unwrap_or_else(|| chunk.data_page_offset());
        let end = from.checked_add(chunk.compressed_size());
        let end = end.and_then(|end| u64::try_from(end).ok());
        let length = file.metadata().map_err(|error| error.to_string())?.len();
        let range = u64::try_from(from).ok().zip(end);
        let range = range.filter(|(from, end)| from <= end && *end <= length);
        let (at, end) = range.ok_or_else(|| error("the file is too short for it"))?;
        let unpacker = Unpacker::of(chunk.compression()).map_err(|reason| error(&reason))?;
        Ok(Self {
            file,
            at,
            end,
            unpacker,
            most,
            kind: chunk.column_type(),
            fixed: usize::try_from(chunk.column_descr().type_length()).unwrap_or_default(),
            levels: Levels::of(chunk.column_descr()),
            location,
            is_begun: false,
            next: None,
        })
    }

    /// An error about the page that was read last.
    pub(super) fn error(&self, reason: impl AsRef<str>) -> String {
        self.location.error(reason)
    }

    /// An error about the whole column chunk.
    pub(super) fn error_of_chunk(&self, reason: impl AsRef<str>) -> String {
        format!("{}: {}", self.location.chunk(), reason.as_ref())
    }

    /// The header of the next page. `None` at the end of the chunk.
    ///
    /// # Errors
    /// The fault of the page, or its size.
    pub(super) fn peek(&mut self) -> Result<Option<&PageHeader>, String> {
        while self.next.is_none() && self.at < self.end {
            self.location.page += 1;
            let header = self.header()?;
            self.at += header.length as u64;
            match header.content {
                PageContent::Index => {
                    self.at += header.packed as u64;
                    continue;
                }
                PageContent::Dictionary { .. } if self.is_begun => {
                    return Err(self.error("a dictionary is not the first page"));
                }
                _ => {}
            }
            self.is_begun = true;
            self.next = Some(header);
        }
        Ok(self.next.as_ref())
    }

    /// Skips the next page.
    ///
    /// # Errors
    /// The fault of its header.
    pub(super) fn skip(&mut self) -> Result<(), String> {
        self.peek()?;
        if let Some(header) = self.next.take() {
            self.at += header.packed as u64;
        }
        Ok(())
    }

    /// The next page, decompressed. `None` at the end of the chunk.
    ///
    /// # Errors
    /// The fault of the page, or its size.
    pub(super) fn read(&mut self) -> Result<Option<Page>, String> {
        self.peek()?;
        let Some(header) = self.next.take() else {
            return Ok(None);
        };
        let packed = read_at(&self.file, self.at, header.packed);
        let packed = packed.map_err(|error| self.error(error.to_string()))?;
        self.at += header.packed as u64;
        let bytes = self.unpack(&header, packed);
        let bytes = bytes.map_err(|reason| self.error(reason))?;
        let page = page(header.content, bytes);
        if let Some(page) = &page {
            let checked = self.check_lengths(page);
            checked.map_err(|reason| self.error(reason))?;
        }
        Ok(page)
    }

    /// Reads and checks a header.
    fn header(&mut self) -> Result<PageHeader, String> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let mut found = None;
        for most in HEADERS {
            let bytes = read_at(&self.file, self.at, most.min(left));
            let bytes = bytes.map_err(|error| self.error(error.to_string()))?;
            found = PageHeader::read(&bytes);
            if found.is_some() || left <= most {
                break;
            }
        }
        let header = found.ok_or_else(|| self.error("its header is malformed"))?;
        if header.length.saturating_add(header.packed) > left {
            return Err(self.error("it is longer than its column chunk"));
        }
        let larger = header.unpacked.max(header.packed);
        if larger > self.most {
            let (found, most) = (size(larger), size(self.most));
            return Err(self.error(format!(
                "its decompressed size is {found}, over {most}; raise the limit with `--line-limit`"
            )));
        }
        self.check_counts(&header)
            .map_err(|reason| self.error(reason))?;
        Ok(header)
    }

    /// Checks the numbers in a header for which the crate parquet reserves memory.
    fn check_counts(&self, header: &PageHeader) -> Result<(), String> {
        match header.content {
            PageContent::Index => Ok(()),
            PageContent::Dictionary { values, .. } => {
                // A text has its length before it.
                let each = match self.kind {
                    Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
                    Type::INT64 | Type::DOUBLE => 8,
                    Type::INT96 => 12,
                    Type::FIXED_LEN_BYTE_ARRAY => self.fixed.max(1),
                    Type::BOOLEAN => 1,
                };
                match (values as usize).saturating_mul(each) > header.unpacked {
                    true => Err(format!(
                        "it claims a dictionary of {values} values in {} bytes",
                        header.unpacked
                    )),
                    false => Ok(()),
                }
            }
            PageContent::Data {
                values, encoding, ..
            } => self.check_values(values, encoding),
            PageContent::DataV2 {
                values,
                encoding,
                definition,
                repetition,
                ..
            } => {
                let levels = (definition as usize).saturating_add(repetition as usize);
                if levels > header.packed.min(header.unpacked) {
                    return Err("its levels are longer than the page".to_owned());
                }
                self.check_values(values, encoding)
            }
        }
    }

    /// Checks the number of values in the encodings that the crate parquet decodes
    /// as a whole.
    fn check_values(&self, values: u32, encoding: Encoding) -> Result<(), String> {
        let each = match encoding {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => self.fixed.max(VALUE),
            Encoding::DELTA_BYTE_ARRAY => VALUE,
            _ => return Ok(()),
        };
        let most = self.most.saturating_mul(MAX_LENGTHS);
        match (values as usize).saturating_mul(each) > most {
            true => Err(format!(
                "it has {values} values, which may take more than {}; raise the limit with \
                 `--line-limit`",
                size(most)
            )),
            false => Ok(()),
        }
    }

    fn unpack(&mut self, header: &PageHeader, packed: Vec<u8>) -> Result<Vec<u8>, String> {
        let (levels, is_compressed) = match header.content {
            PageContent::DataV2 {
                definition,
                repetition,
                is_compressed,
                ..
            } => (definition as usize + repetition as usize, is_compressed),
            _ => (0, true),
        };
        if !is_compressed || matches!(self.unpacker, Unpacker::None) {
            return match packed.len() == header.unpacked {
                true => Ok(packed),
                false => Err(format!(
                    "it has {} bytes, but its header specifies {}",
                    packed.len(),
                    header.unpacked
                )),
            };
        }
        let (levels, packed) = packed
            .split_at_checked(levels)
            .ok_or("its levels are longer than the page")?;
        let mut out = Vec::with_capacity(header.unpacked + 1);
        out.extend_from_slice(levels);
        let size = header.unpacked.saturating_sub(levels.len());
        self.unpacker.unpack(packed, size, &mut out)?;
        Ok(out)
    }

    /// Checks the lists of lengths that the crate parquet reserves memory for.
    fn check_lengths(&self, page: &Page) -> Result<(), String> {
        if page.is_dictionary_page() {
            return Ok(());
        }
        let malformed = "its lists of lengths are malformed";
        let values = || self.levels.parts(page).map(|parts| parts.values);
        match page.encoding() {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => {
                let lengths = Lengths::read(values()?, page.num_values() as usize);
                lengths.map(drop).ok_or_else(|| malformed.to_owned())
            }
            Encoding::DELTA_BYTE_ARRAY => {
                let texts = delta::texts(values()?, page.num_values() as usize);
                match texts.ok_or(malformed)? {
                    texts if texts > self.most => Err(format!(
                        "its texts take {}, over {}; raise the limit with `--line-limit`",
                        size(texts),
                        size(self.most)
                    )),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// Bytes of the file from this position on.
fn read_at(file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut file = file;
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A page as the crate parquet takes it. It is decompressed, and its statistics are
/// not read.
fn page(content: PageContent, bytes: Vec<u8>) -> Option<Page> {
    let buf = bytes.into();
    Some(match content {
        PageContent::Index => return None,
        PageContent::Dictionary {
            values: num_values,
            encoding,
            is_sorted,
        } => Page::DictionaryPage {
            buf,
            num_values,
            encoding,
            is_sorted,
        },
        PageContent::Data {
            values: num_values,
            encoding,
            definition: def_level_encoding,
            repetition: rep_level_encoding,
        } => Page::DataPage {
            buf,
            num_values,
            encoding,
            def_level_encoding,
            rep_level_encoding,
            statistics: None,
        },
        PageContent::DataV2 {
            values: num_values,
            nulls: num_nulls,
            rows: num_rows,
            encoding,
            definition: def_levels_byte_len,
            repetition: rep_levels_byte_len,
            is_compressed: _,
        } => Page::DataPageV2 {
            buf,
            num_values,
            encoding,
            num_nulls,
            num_rows,
            def_levels_byte_len,
            rep_levels_byte_len,
            is_compressed: false,
            statistics: None,
        },
    })
}
