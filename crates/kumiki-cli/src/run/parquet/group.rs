//! A row group as the crate parquet reads it, within bounds.
//!
//! That crate reserves what a page says it unpacks to, which [`Pages`] has looked
//! at; of gzip alone it unpacks all there is, whatever was said. So that is done
//! here.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use arrow_schema::DataType;
use flate2::read::MultiGzDecoder;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::{Compression, Type};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::pages::{Pages, size};

/// Rows that are read at once at the most.
const ROWS: usize = 4096;
/// Bytes that they should have at the most, unless one has more.
const BYTES: usize = 8 << 20;
/// How many bytes what is unpacked at a time may have, in longest lines.
const LINES: usize = 4;
/// What any value takes in memory, in bytes, with where it belongs.
const VALUE: usize = 16;

/// One row group.
pub(super) struct Group<'a> {
    pub(super) file: Arc<File>,
    pub(super) metadata: &'a ParquetMetaData,
    pub(super) at: usize,
    /// The most bytes of a page.
    pub(super) most: usize,
}

impl Group<'_> {
    fn group(&self) -> &RowGroupMetaData {
        self.metadata.row_group(self.at)
    }

    fn rows(&self) -> usize {
        // A file may say anything of itself.
        usize::try_from(self.group().num_rows()).unwrap_or(0)
    }

    /// How many rows of these columns may be read at once.
    ///
    /// # Errors
    /// What would take too much memory.
    pub(super) fn batch(
        &self,
        columns: &ProjectionMask,
        types: impl Iterator<Item = usize>,
    ) -> Result<usize, String> {
        let (mut row, mut unpacked) = (0_usize, 0_usize);
        for width in types {
            if width > self.most {
                let (width, most) = (size(width), size(self.most));
                return Err(format!("a column has {width} in each row, over {most}"));
            }
            row = row.saturating_add(width);
        }
        for (at, column) in self.group().columns().iter().enumerate() {
            if !columns.leaf_included(at) {
                continue;
            }
            let pages = Pages::of(&self.file, column, self.most)?;
            unpacked = unpacked
                .saturating_add(pages.dictionary.saturating_mul(2))
                .saturating_add(pages.largest);
            row = row.saturating_add(self.value(at, column, &pages)?);
        }
        let most = self.most.saturating_mul(LINES);
        if unpacked > most {
            return Err(format!(
                "its columns take {} at a time, over {}; `--line-limit` raises that",
                size(unpacked),
                size(most)
            ));
        }
        if row > most {
            return Err(format!(
                "a row of its columns takes {}, over {}; `--line-limit` raises that",
                size(row),
                size(most)
            ));
        }
        Ok((BYTES / row.max(1)).clamp(1, ROWS))
    }

    /// About how many bytes of memory a row has in a column.
    fn value(
        &self,
        at: usize,
        column: &ColumnChunkMetaData,
        pages: &Pages,
    ) -> Result<usize, String> {
        let name = || column.column_path().string();
        let is_repeated = column.column_descr().max_rep_level() > 0;
        let rows = self.rows().max(1);
        let unfolded = pages.unfolded(rows).saturating_mul(VALUE);
        if is_repeated && unfolded > self.most {
            let (name, values) = (name(), pages.values);
            return Err(format!(
                "column `{name}` has {values} values out of nothing"
            ));
        }
        if !is_repeated && pages.values != self.rows() {
            let (name, values, rows) = (name(), pages.values, self.rows());
            return Err(format!(
                "column `{name}` has {values} values in {rows} rows"
            ));
        }
        let each = match column.column_type() {
            Type::BYTE_ARRAY if pages.dictionary > BYTES / ROWS => {
                pages.value.max(self.longest(at)?)
            }
            Type::BYTE_ARRAY => pages.value.max(pages.dictionary),
            Type::FIXED_LEN_BYTE_ARRAY => {
                let length = column.column_descr().type_length();
                usize::try_from(length).unwrap_or_default()
            }
            _ => 0,
        };
        if each > self.most {
            let (name, each, most) = (name(), size(each), size(self.most));
            return Err(format!(
                "column `{name}` has a value of {each}, over {most}"
            ));
        }
        let values = if is_repeated {
            pages.values.div_ceil(rows)
        } else {
            1
        };
        Ok(each.saturating_add(VALUE).saturating_mul(values.max(1)))
    }

    /// The longest text in a column's dictionary: any row may have it.
    fn longest(&self, column: usize) -> Result<usize, String> {
        let page = || {
            let mut pages = self.column_chunks(column)?;
            let pages = pages.next().transpose()?;
            pages.map_or(Ok(None), |mut pages| pages.get_next_page())
        };
        let page = super::guard::guarded(page)?;
        let Some(Page::DictionaryPage { buf, .. }) = page else {
            return Ok(0);
        };
        let (mut longest, mut rest) = (0, &buf[..]);
        while let Some((length, after)) = rest.split_first_chunk() {
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            longest = longest.max(length.min(after.len()));
            rest = after.get(length..).unwrap_or_default();
        }
        Ok(longest)
    }
}

/// How many bytes a column of this type has in each row at least, null or not.
pub(super) fn width(kind: &DataType) -> usize {
    match kind {
        DataType::FixedSizeBinary(length) => usize::try_from(*length).unwrap_or_default(),
        DataType::FixedSizeList(field, length) => {
            let length = usize::try_from(*length).unwrap_or_default();
            width(field.data_type()).max(1).saturating_mul(length)
        }
        // One element at least: what a file says of it is taken for each.
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::Map(field, _) => width(field.data_type()),
        DataType::Struct(fields) => {
            let widths = fields.iter().map(|field| width(field.data_type()));
            widths.fold(0, usize::saturating_add)
        }
        _ => 0,
    }
}

impl RowGroups for Group<'_> {
    fn num_rows(&self) -> usize {
        self.rows()
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let column = self.group().column(column);
        let is_gzip = matches!(column.compression(), Compression::GZIP(_));
        let column = match is_gzip {
            true => {
                let column = column.clone().into_builder();
                column.set_compression(Compression::UNCOMPRESSED).build()?
            }
            false => column.clone(),
        };
        let pages = SerializedPageReader::new(self.file.clone(), &column, self.rows(), None)?;
        Ok(Box::new(Chunk(Some(Unpacking {
            pages,
            is_gzip,
            most: self.most,
        }))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.group()))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.metadata
    }
}

/// The pages of one column of one row group.
struct Chunk(Option<Unpacking>);

impl Iterator for Chunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let pages = self.0.take()?;
        Some(Ok(Box::new(pages)))
    }
}

impl PageIterator for Chunk {}

/// Unpacks what is packed with gzip; all else is unpacked already.
struct Unpacking {
    pages: SerializedPageReader<File>,
    is_gzip: bool,
    most: usize,
}

impl Unpacking {
    fn unpack(&self, mut page: Page) -> Result<Page> {
        match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
                *buf = self.gunzip(buf, 0)?.into();
            }
            Page::DataPageV2 {
                buf,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed: true,
                ..
            } => {
                let levels = def_levels_byte_len.saturating_add(*rep_levels_byte_len);
                *buf = self.gunzip(buf, levels as usize)?.into();
            }
            Page::DataPageV2 { .. } => {}
        }
        Ok(page)
    }

    /// Unpacks what stands behind so many bytes, which are not packed.
    fn gunzip(&self, bytes: &[u8], plain: usize) -> Result<Vec<u8>> {
        let parts = bytes.split_at_checked(plain);
        let (plain, packed) =
            parts.ok_or_else(|| ParquetError::General("a page is too short".to_owned()))?;
        let mut unpacked = plain.to_vec();
        if packed.is_empty() {
            return Ok(unpacked);
        }
        let most = self.most as u64;
        let mut packed = MultiGzDecoder::new(packed).take(most.saturating_add(1));
        packed.read_to_end(&mut unpacked)?;
        match unpacked.len() > self.most {
            true => Err(ParquetError::General(format!(
                "a page unpacks to more than {} bytes",
                self.most
            ))),
            false => Ok(unpacked),
        }
    }
}

impl Iterator for Unpacking {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Unpacking {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        match self.is_gzip {
            true => page.map(|page| self.unpack(page)).transpose(),
            false => Ok(page),
        }
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}
