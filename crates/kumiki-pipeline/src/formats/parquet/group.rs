//! A row group as the crate parquet reads it, in bounded memory.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::column_size::ColumnSize;
use super::leaf::Leaf;
use super::page_header::{PageContent, PageHeader};
use super::pages::{Pages, size};
use super::windows::Windows;

/// Maximum bytes of the rows that are read at once, beside the largest row.
const MAX_BYTES: usize = 8 << 20;
/// The bytes that reading a column and writing it again take, beside its pages. 24 KiB
/// were measured with 90,000 columns.
const COLUMN: usize = 32 << 10;
/// Maximum bytes that are decompressed at a time, and the most bytes of a row with
/// all columns, in multiples of the largest page.
const MAX_PAGES: usize = 4;

/// The fault of a page. The crate parquet would put words of its own before it.
pub(super) type Fault = Arc<Mutex<Option<String>>>;

/// One row group.
pub(super) struct Group<'a> {
    pub(super) file: Arc<File>,
    pub(super) metadata: &'a ParquetMetaData,
    pub(super) at: usize,
    /// The memory of values, for each column of Parquet.
    pub(super) leaves: &'a [Leaf],
    /// Maximum bytes of a page, and of a row of a column.
    pub(super) most: usize,
    pub(super) fault: Fault,
}

impl Group<'_> {
    fn group(&self) -> &RowGroupMetaData {
        self.metadata.row_group(self.at)
    }

    fn rows(&self) -> usize {
        // The footer was refused if the number is negative.
        usize::try_from(self.group().num_rows()).unwrap_or_default()
    }

    /// The number of rows of these columns that may be read at once.
    ///
    /// # Errors
    /// The part of the file that would take too much memory.
    pub(super) fn batch(&self, columns: &ProjectionMask) -> Result<usize, String> {
        let (mut rows, mut held) = (Windows::default(), 0_usize);
        for (at, chunk) in self.group().columns().iter().enumerate() {
            if !columns.leaf_included(at) {
                continue;
            }
            let leaf = self.leaves.get(at);
            let leaf = leaf.ok_or("its Arrow types do not fit its columns")?;
            let pages = self.pages(at)?;
            let column = ColumnSize::of(pages, chunk, leaf, self.rows(), self.most)?;
            held = held.saturating_add(column.held).saturating_add(COLUMN);
            rows.add(&column.rows);
        }
        let most = self.most.saturating_mul(MAX_PAGES);
        for (what, bytes) in [
            ("columns and their pages take", held),
            ("columns take in a row", rows.row()),
        ] {
            if bytes > most {
                let (group, bytes, most) = (self.at + 1, size(bytes), size(most));
                return Err(format!(
                    "row group {group}: its {what} {bytes} in total, over {most}; raise the limit \
                     with `--line-limit`"
                ));
            }
        }
        Ok(rows.rows_within(rows.row().saturating_add(MAX_BYTES)))
    }

    fn pages(&self, column: usize) -> Result<Pages, String> {
        let chunk = self.group().column(column);
        Pages::of(self.file.clone(), self.at, chunk, self.most)
    }
}

impl RowGroups for Group<'_> {
    fn num_rows(&self) -> usize {
        self.rows()
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let pages = self.pages(column).map_err(ParquetError::General)?;
        Ok(Box::new(Chunk(Some(Reader {
            pages,
            fault: self.fault.clone(),
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
struct Chunk(Option<Reader>);

impl Iterator for Chunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let pages = self.0.take()?;
        Some(Ok(Box::new(pages)))
    }
}

impl PageIterator for Chunk {}

/// Gives pages to the crate parquet.
struct Reader {
    pages: Pages,
    fault: Fault,
}

impl Reader {
    /// Keeps the fault of a page.
    fn error(&self, reason: String) -> ParquetError {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        *fault = Some(reason.clone());
        ParquetError::General(reason)
    }
}

impl Iterator for Reader {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Reader {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.pages.read().map_err(|reason| self.error(reason))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        let header = self.pages.peek().map(|header| header.map(metadata));
        header.map_err(|reason| self.error(reason))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip().map_err(|reason| self.error(reason))
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        // Pages of version 2 begin with a row.
        let next = self.peek_next_page()?;
        Ok(next.is_none_or(|next| next.num_rows.is_some()))
    }
}

fn metadata(header: &PageHeader) -> PageMetadata {
    let num_rows = match header.content {
        PageContent::DataV2 { rows, .. } => Some(rows as usize),
        _ => None,
    };
    let is_dict = matches!(header.content, PageContent::Dictionary { .. });
    PageMetadata {
        num_rows,
        num_levels: (!is_dict).then(|| header.values()),
        is_dict,
    }
}
