//! The memory that the rows of a column chunk take, measured before the crate parquet
//! decodes them.
//!
//! A few bytes can stand for very many values: a run of nulls in one row, or
//! references to a long text. So the values of lists are counted row by row.

use parquet::basic::{Encoding, Type};
use parquet::column::page::Page;
use parquet::file::metadata::ColumnChunkMetaData;

use super::delta;
use super::hybrid::Hybrid;
use super::leaf::Leaf;
use super::levels::{Levels, Parts};
use super::page_header::{PageContent, PageHeader};
use super::pages::{Pages, VALUE, size};
use super::windows::{RowSizes, Windows};

/// The memory of each list that a value begins, in bytes.
const LIST: usize = 8;
/// Dictionaries up to this many bytes are not searched for their longest text.
const SMALL_DICTIONARY: usize = 2 << 10;

/// The memory of a column chunk.
#[derive(Debug)]
pub(super) struct ColumnSize {
    /// Bytes that reading holds beside the rows: a page, and the dictionary before
    /// and after it is decoded.
    pub(super) held: usize,
    pub(super) rows: Windows,
}

/// A column chunk that is measured.
struct Measuring<'a> {
    pages: Pages,
    kind: Type,
    levels: Levels,
    leaf: &'a Leaf,
    /// Bytes of a value of a fixed length.
    fixed: usize,
    /// Number of rows of the row group.
    rows: usize,
    /// Maximum bytes of a row.
    most: usize,
    dictionary: usize,
    largest: usize,
}

impl ColumnSize {
    /// Measures a column chunk of a row group with `rows` rows. No row may take more
    /// than `most` bytes.
    ///
    /// # Errors
    /// The fault of a page, or the size of a row.
    pub(super) fn of(
        pages: Pages,
        chunk: &ColumnChunkMetaData,
        leaf: &Leaf,
        rows: usize,
        most: usize,
    ) -> Result<Self, String> {
        let column = chunk.column_descr();
        let kind = column.physical_type();
        let fixed = match kind {
            Type::FIXED_LEN_BYTE_ARRAY => usize::try_from(column.type_length()).unwrap_or_default(),
            _ => 0,
        };
        let mut measuring = Measuring {
            pages,
            kind,
            levels: Levels::of(column),
            leaf,
            fixed,
            rows,
            most,
            dictionary: 0,
            largest: 0,
        };
        let windows = match measuring.levels.repetition {
            0 => measuring.values()?,
            _ => measuring.lists()?,
        };
        // Views of texts take up to 16 bytes each, and a text 4 in the page.
        let held = measuring.dictionary.saturating_mul(match kind {
            Type::BYTE_ARRAY => 5,
            _ => 2,
        });
        Ok(Self {
            held: held.saturating_add(measuring.largest),
            rows: windows,
        })
    }
}

impl Measuring<'_> {
    /// Measures a column with one value in each row. Its values are not decompressed,
    /// but for long dictionaries and texts that repeat parts of others.
    fn values(&mut self) -> Result<Windows, String> {
        let (mut values, mut text) = (0_usize, 0);
        while let Some(header) = self.pages.peek()?.cloned() {
            let count = header.values();
            let mut average = header.unpacked.div_ceil(count.max(1));
            match header.content {
                PageContent::Index => {}
                PageContent::Dictionary { .. } => {
                    self.dictionary = header.unpacked;
                    text = text.max(self.longest(&header)?);
                    continue;
                }
                PageContent::Data { encoding, .. } | PageContent::DataV2 { encoding, .. } => {
                    if encoding == Encoding::DELTA_BYTE_ARRAY {
                        average = self.delta_texts()?.div_ceil(count.max(1));
                    } else {
                        self.pages.skip()?;
                    }
                    values = values.saturating_add(count);
                    text = text.max(average);
                    self.largest = self.largest.max(header.unpacked);
                }
            }
        }
        if values != self.rows {
            let rows = self.rows;
            return Err(self
                .pages
                .error_of_chunk(format!("{values} values in {rows} rows")));
        }
        let text = match self.kind {
            Type::BYTE_ARRAY => text,
            _ => self.fixed,
        };
        let row = text.saturating_add(self.leaf.bytes(0));
        if row > self.most {
            return Err(self.pages.error_of_chunk(self.too_large(row)));
        }
        Ok(Windows::even(row.saturating_add(VALUE)))
    }

    /// Measures a column with lists: each row may have any number of values.
    fn lists(&mut self) -> Result<Windows, String> {
        let mut sizes = RowSizes::default();
        let mut texts = Vec::new();
        while let Some(page) = self.pages.read()? {
            let bytes = page.buffer().len();
            if page.is_dictionary_page() {
                self.dictionary = bytes;
                texts = match self.kind {
                    Type::BYTE_ARRAY => lengths(page.buffer()).collect(),
                    _ => Vec::new(),
                };
                continue;
            }
            self.largest = self.largest.max(bytes);
            let added = self.add(&page, &texts, &mut sizes);
            added.map_err(|reason| self.pages.error(reason))?;
        }
        let (windows, rows) = sizes.finish();
        match rows == self.rows {
            true => Ok(windows),
            false => Err(self
                .pages
                .error_of_chunk(format!("{rows} rows, but its row group has {}", self.rows))),
        }
    }

    /// Adds the values of a page to the sizes of their rows. `texts` has the lengths
    /// of the texts in the dictionary.
    fn add(&self, page: &Page, texts: &[u32], sizes: &mut RowSizes) -> Result<(), String> {
        let parts = self.levels.parts(page)?;
        let mut levels = self.levels.repetition(page, &parts)?;
        let each = self.value(page, &parts)?;
        let costs =
            (0..=self.levels.repetition).map(|level| each.saturating_add(self.leaf.bytes(level)));
        let costs: Vec<_> = costs.collect();
        let mut references = References::of(&self.levels, page, &parts, texts);
        let mut left = page.num_values() as usize;
        let mut is_first = matches!(page, Page::DataPageV2 { .. });
        while left > 0 {
            // A reference belongs to one value.
            let most = if references.is_some() { 1 } else { left };
            let (level, count) = levels.next(most).ok_or("its levels end too early")?;
            let cost = costs.get(level as usize).ok_or("a level is too high")?;
            let cost = match &mut references {
                Some(references) => cost.saturating_add(references.next()?),
                None => *cost,
            };
            if level == 0 {
                sizes.begin_many(count, cost);
            } else if is_first || !sizes.extend(cost.saturating_mul(count)) {
                return Err("its first value does not begin a row".to_owned());
            }
            is_first = false;
            left -= count;
            if sizes.row() > self.most {
                return Err(self.too_large(sizes.row()));
            }
            if sizes.begun() > self.rows {
                return Err(format!(
                    "it has more than the {} rows of its row group",
                    self.rows
                ));
            }
        }
        Ok(())
    }

    /// The bytes of a value of this page, without a text of the dictionary. Texts
    /// in the page count as long as they are on average.
    fn value(&self, page: &Page, parts: &Parts<'_>) -> Result<usize, String> {
        let count = page.num_values() as usize;
        let depth = self.levels.repetition as usize;
        let levels = VALUE.saturating_add(LIST.saturating_mul(depth.saturating_sub(1)));
        let bytes = match (self.kind, page.encoding()) {
            (Type::BYTE_ARRAY, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY) => 0,
            (Type::BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY) => delta::texts(parts.values, count)
                .ok_or("its lists of lengths are malformed")?
                .div_ceil(count.max(1)),
            (Type::BYTE_ARRAY, _) => parts.values.len().div_ceil(count.max(1)),
            _ => self.fixed,
        };
        Ok(levels.saturating_add(bytes))
    }

    /// The longest text of the dictionary, which is the next page. Any row may have it.
    fn longest(&mut self, header: &PageHeader) -> Result<usize, String> {
        if self.kind != Type::BYTE_ARRAY || header.unpacked <= SMALL_DICTIONARY {
            self.pages.skip()?;
            return Ok(header.unpacked);
        }
        let page = self.pages.read()?;
        let longest = page.and_then(|page| lengths(page.buffer()).max());
        Ok(longest.unwrap_or_default() as usize)
    }

    /// The bytes of all texts of the next page, which repeat parts of others.
    fn delta_texts(&mut self) -> Result<usize, String> {
        let Some(page) = self.pages.read()? else {
            return Ok(0);
        };
        let parts = self.levels.parts(&page);
        let parts = parts.map_err(|reason| self.pages.error(reason))?;
        let texts = delta::texts(parts.values, page.num_values() as usize);
        texts.ok_or_else(|| self.pages.error("its lists of lengths are malformed"))
    }

    fn too_large(&self, row: usize) -> String {
        let (row, most) = (size(row), size(self.most));
        format!("a row takes {row} or more, over {most}; raise the limit with `--line-limit`")
    }
}

/// The lengths of the texts of a dictionary.
fn lengths(mut texts: &[u8]) -> impl Iterator<Item = u32> + '_ {
    std::iter::from_fn(move || {
        let (length, rest) = texts.split_first_chunk()?;
        let length = u32::from_le_bytes(*length);
        texts = rest.get(length as usize..).unwrap_or_default();
        Some(length.min(u32::try_from(rest.len()).unwrap_or(u32::MAX)))
    })
}

/// References to the texts of a dictionary.
struct References<'a> {
    definition: Option<Hybrid<'a>>,
    indices: Option<Hybrid<'a>>,
    /// The definition level of a value that is not null.
    present: u32,
    texts: &'a [u32],
}

impl<'a> References<'a> {
    /// The references of a page. `None` where it has none that are measured.
    fn of(levels: &Levels, page: &Page, parts: &Parts<'a>, texts: &'a [u32]) -> Option<Self> {
        let is_dictionary = matches!(
            page.encoding(),
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY
        );
        if !is_dictionary || texts.is_empty() {
            return None;
        }
        let indices = parts.values.split_first();
        Some(Self {
            definition: levels.definition(parts),
            indices: indices.and_then(|(width, indices)| Hybrid::new(indices, u32::from(*width))),
            present: levels.definition,
            texts,
        })
    }

    /// The length of the text of the next value.
    fn next(&mut self) -> Result<usize, String> {
        let level = match self.present {
            0 => Some(0),
            _ => self
                .definition
                .as_mut()
                .and_then(|levels| levels.next(1))
                .map(|(level, _)| level),
        };
        if level.ok_or("its levels end too early")? != self.present {
            return Ok(0);
        }
        let index = self.indices.as_mut().and_then(|indices| indices.next(1));
        let (index, _) = index.ok_or("its references end too early")?;
        let text = self.texts.get(index as usize);
        let text = text.ok_or("a reference is beyond the dictionary")?;
        Ok(*text as usize)
    }
}
