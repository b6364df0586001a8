//! The levels of a column: which of its values begin a row, and which are null.

use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::schema::types::ColumnDescriptor;

use super::hybrid::Hybrid;

/// The highest levels of a column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels {
    /// A value with a level above 0 belongs to the row of the value before it.
    pub(super) repetition: u32,
    /// A value with a lower level than this is null.
    pub(super) definition: u32,
}

/// The parts of a page of data.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) repetition: &'a [u8],
    pub(super) definition: &'a [u8],
    pub(super) values: &'a [u8],
}

impl Levels {
    pub(super) fn of(column: &ColumnDescriptor) -> Self {
        let level = |level: i16| u32::try_from(level).unwrap_or_default();
        Self {
            repetition: level(column.max_rep_level()),
            definition: level(column.max_def_level()),
        }
    }

    /// Cuts a page into its parts.
    ///
    /// # Errors
    /// When its levels are malformed.
    pub(super) fn parts<'a>(&self, page: &'a Page) -> Result<Parts<'a>, String> {
        let bytes: &[u8] = page.buffer();
        let parts = match page {
            Page::DictionaryPage { .. } => None,
            Page::DataPage {
                num_values,
                def_level_encoding,
                rep_level_encoding,
                ..
            } => {
                let (count, rest) = (*num_values as usize, bytes);
                cut(rest, self.repetition, *rep_level_encoding, count).and_then(
                    |(repetition, rest)| {
                        let definition = cut(rest, self.definition, *def_level_encoding, count);
                        let (definition, values) = definition?;
                        Some((repetition, definition, values))
                    },
                )
            }
            Page::DataPageV2 {
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => bytes
                .split_at_checked(*rep_levels_byte_len as usize)
                .and_then(|(repetition, rest)| {
                    let definition = rest.split_at_checked(*def_levels_byte_len as usize);
                    let (definition, values) = definition?;
                    Some((repetition, definition, values))
                }),
        };
        let (repetition, definition, values) = parts.ok_or("its levels are malformed")?;
        Ok(Parts {
            repetition,
            definition,
            values,
        })
    }

    /// The repetition levels of a page.
    ///
    /// # Errors
    /// When they are in an encoding that no program writes any more.
    pub(super) fn repetition<'a>(
        &self,
        page: &Page,
        parts: &Parts<'a>,
    ) -> Result<Hybrid<'a>, String> {
        let is_old = matches!(page, Page::DataPage { rep_level_encoding, def_level_encoding, .. }
            if *rep_level_encoding != Encoding::RLE || *def_level_encoding != Encoding::RLE);
        if is_old {
            let error =
                "its levels are in the encoding `BIT_PACKED`, which is not supported for lists";
            return Err(error.to_owned());
        }
        let levels = Hybrid::new(parts.repetition, width(self.repetition));
        levels.ok_or_else(|| "its levels are malformed".to_owned())
    }

    /// The definition levels of a page, in the encoding of its repetition levels.
    pub(super) fn definition<'a>(&self, parts: &Parts<'a>) -> Option<Hybrid<'a>> {
        Hybrid::new(parts.definition, width(self.definition))
    }
}

/// The number of bits of a level.
fn width(most: u32) -> u32 {
    u32::BITS - most.leading_zeros()
}

/// Cuts `count` levels from a page of version 1. There are none when the highest one
/// is 0.
fn cut(bytes: &[u8], most: u32, encoding: Encoding, count: usize) -> Option<(&[u8], &[u8])> {
    if most == 0 {
        return Some((&[], bytes));
    }
    match encoding {
        Encoding::RLE => {
            let (length, rest) = bytes.split_first_chunk()?;
            let length = i32::from_le_bytes(*length);
            rest.split_at_checked(usize::try_from(length).ok()?)
        }
        #[expect(deprecated, reason = "old files have levels in it")]
        Encoding::BIT_PACKED => {
            let bits = count.checked_mul(width(most) as usize)?;
            bytes.split_at_checked(bits.div_ceil(8))
        }
        _ => None,
    }
}
