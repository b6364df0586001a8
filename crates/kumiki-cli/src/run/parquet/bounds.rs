//! What the pages of a row group unfold to, found out before one is decoded:
//! a file of a few kilobytes can say gigabytes, by packing and by encodings
//! that repeat one value.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use parquet::basic::{Compression, Type};
use parquet::column::page::{Page, PageReader as _};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::page_header::{PageHeader, PageKind};

/// Bytes that the pages which are held at a time may have, of all columns.
const HELD: u64 = 512 << 20;
/// Bytes that a column of lists may unfold to in one row group, if that is more
/// than [`RATIO`] times what it has in the file: all of it may be in one row,
/// and levels and copies take several times as much.
const LISTS: u64 = 128 << 20;
const RATIO: u64 = 100;
/// Bytes of a value's levels, where it is in a list.
const LEVELS: u64 = 4;
/// Values that begin with a part of the one before.
const DELTA_BYTE_ARRAY: i64 = 7;

type Result<T> = std::result::Result<T, ParquetError>;

/// What is known of a column in a row group.
#[derive(Default)]
struct Unfolded {
    /// Bytes of its largest data page, and of its dictionary.
    page: u64,
    dictionary: u64,
    /// Bytes that a row takes at the most, on the average of one page.
    row: u64,
    /// Bytes of all of its values.
    all: u64,
}

/// How many bytes a row takes at the most, in the given columns of a row group,
/// of which each page may unfold to `page_limit` bytes.
///
/// # Errors
/// When a page is faulty, or the pages unfold to more than they may; what is
/// wrong, and in which column.
pub(super) fn bytes_of_a_row(
    file: &File,
    group: &RowGroupMetaData,
    columns: impl Iterator<Item = usize>,
    page_limit: u64,
) -> Result<usize> {
    let file = Arc::new(file.try_clone()?);
    let (mut held, mut row) = (0_u64, 0_u64);
    for column in columns {
        let chunk = Chunk {
            file: &file,
            chunk: group.column(column),
            rows: u64::try_from(group.num_rows()).unwrap_or(0),
            page_limit,
        };
        let unfolded = chunk.unfold().map_err(|error| chunk.named(&error))?;
        held = held.saturating_add(unfolded.page + unfolded.dictionary);
        row = row.saturating_add(unfolded.row);
    }
    if held > HELD {
        return Err(ParquetError::General(format!(
            "the largest pages of its columns have {held} bytes together, over {HELD}"
        )));
    }
    Ok(usize::try_from(row).unwrap_or(usize::MAX))
}

fn fault(message: String) -> ParquetError {
    ParquetError::General(message)
}

/// A column of a row group.
struct Chunk<'a> {
    file: &'a Arc<File>,
    chunk: &'a ColumnChunkMetaData,
    /// How many rows there are.
    rows: u64,
    /// Bytes that one page may unfold to.
    page_limit: u64,
}

impl Chunk<'_> {
    fn unfold(&self) -> Result<Unfolded> {
        let mut unfolded = Unfolded::default();
        let width = self.width();
        let mut entry = width.unwrap_or(0);
        let mut first = true;
        let (mut at, length) = self.chunk.byte_range();
        let end = at.saturating_add(length);
        while at < end {
            let header = self.header(at)?;
            let body = at + header.length;
            self.check(&header, body, end)?;
            at = body + header.compressed;
            match header.kind {
                PageKind::Other => {}
                PageKind::Dictionary => {
                    if !first {
                        return Err(fault(format!(
                            "the dictionary at byte {body} is not its first page"
                        )));
                    }
                    unfolded.dictionary = unfolded.dictionary.max(header.uncompressed);
                    if width.is_none() {
                        entry = entry.max(self.longest_entry()?);
                    }
                }
                PageKind::Data => {
                    let value = value(&header, width, entry);
                    unfolded.page = unfolded.page.max(header.uncompressed);
                    unfolded.row = unfolded.row.max(value);
                    unfolded.all = unfolded
                        .all
                        .saturating_add(header.values.saturating_mul(value.max(LEVELS)));
                }
            }
            first = false;
        }
        if self.chunk.column_descr().max_rep_level() > 0 {
            self.check_lists(unfolded.all)?;
            unfolded.row = unfolded.all.div_ceil(self.rows.max(1));
        }
        Ok(unfolded)
    }

    fn named(&self, error: &ParquetError) -> ParquetError {
        let name = self.chunk.column_path().string();
        let error = match error {
            ParquetError::General(message) => message.clone(),
            other => other.to_string(),
        };
        fault(format!("column `{name}`: {error}"))
    }

    fn header(&self, at: u64) -> Result<PageHeader> {
        let mut file = File::try_clone(self.file)?;
        file.seek(SeekFrom::Start(at))?;
        PageHeader::read(BufReader::with_capacity(512, file))
            .map_err(|error| fault(format!("the page at byte {at} has no header: {error}")))
    }

    /// What a page says must be true, and not too much.
    fn check(&self, header: &PageHeader, body: u64, end: u64) -> Result<()> {
        let most = self.page_limit;
        if header.compressed > end.saturating_sub(body) {
            return Err(fault(format!(
                "the page at byte {body} is longer than its column"
            )));
        }
        if header.uncompressed > most {
            return Err(fault(format!(
                "the page at byte {body} unfolds to {} bytes, over {most}",
                header.uncompressed
            )));
        }
        if header.kind == PageKind::Dictionary && header.values > header.uncompressed {
            return Err(fault(format!(
                "the dictionary at byte {body} has {} entries in {} bytes",
                header.values, header.uncompressed
            )));
        }
        if matches!(self.chunk.compression(), Compression::GZIP(_)) {
            return self.check_gzip(header, body);
        }
        Ok(())
    }

    /// The crate unpacks whatever gzip holds; with the other ways of packing it
    /// keeps to what the header says.
    fn check_gzip(&self, header: &PageHeader, body: u64) -> Result<()> {
        let mut file = File::try_clone(self.file)?;
        file.seek(SeekFrom::Start(body.saturating_add(header.levels)))?;
        let packed = file.take(header.compressed.saturating_sub(header.levels));
        let most = header.uncompressed.saturating_sub(header.levels);
        let mut unpacked = MultiGzDecoder::new(BufReader::new(packed)).take(most.saturating_add(1));
        // Where it is not gzip, the crate comes no further than this either.
        let _ = io::copy(&mut unpacked, &mut io::sink());
        match unpacked.limit() {
            0 => Err(fault(format!(
                "the page at byte {body} unfolds to more than the {most} bytes that it says"
            ))),
            _ => Ok(()),
        }
    }

    /// Bytes of a value where all have the same; none where each has its own.
    fn width(&self) -> Option<u64> {
        Some(match self.chunk.column_descr().physical_type() {
            Type::BOOLEAN => 1,
            Type::INT32 | Type::FLOAT => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::BYTE_ARRAY => return None,
            Type::FIXED_LEN_BYTE_ARRAY => {
                u64::try_from(self.chunk.column_descr().type_length()).unwrap_or(0)
            }
        })
    }

    /// The length of the longest value in the dictionary.
    fn longest_entry(&self) -> Result<u64> {
        let mut pages = SerializedPageReader::new(self.file.clone(), self.chunk, 0, None)?;
        let Some(Page::DictionaryPage { buf, .. }) = pages.get_next_page()? else {
            return Ok(0);
        };
        let (mut rest, mut longest) = (&buf[..], 0);
        while let Some((length, after)) = rest.split_first_chunk() {
            let length = u32::from_le_bytes(*length);
            longest = longest.max(u64::from(length));
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            rest = after.get(length..).unwrap_or_default();
        }
        Ok(longest)
    }

    fn check_lists(&self, bytes: u64) -> Result<()> {
        let (_, packed) = self.chunk.byte_range();
        let most = packed.saturating_mul(RATIO).max(LISTS);
        match bytes > most {
            true => Err(fault(format!(
                "its lists unfold from {packed} bytes to {bytes}, over {most}"
            ))),
            false => Ok(()),
        }
    }
}

/// Bytes of a value of a page: its own where all have the same, or what the
/// page and the dictionary's longest `entry` allow.
fn value(header: &PageHeader, width: Option<u64>, entry: u64) -> u64 {
    let average = header.uncompressed.div_ceil(header.values.max(1));
    match width {
        Some(width) => width,
        // Each may be nearly as long as the page: only the first is in it whole.
        None if header.encoding == DELTA_BYTE_ARRAY => header.uncompressed,
        None => average.max(entry),
    }
}
