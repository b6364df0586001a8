//! The texts of a column, in any of Arrow's layouts for text.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, GenericStringArray, OffsetSizeTrait, StringViewArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use kumiki_text::Texts;

/// The texts of a column, and which of its rows have one.
#[derive(Debug)]
pub struct ColumnTexts {
    pub(crate) texts: Texts,
    /// `None` when all rows have a text.
    nulls: Option<NullBuffer>,
    rows: usize,
}

impl ColumnTexts {
    /// The texts of an array. `None` for an array of another type.
    #[must_use]
    pub fn of(array: &ArrayRef) -> Option<Self> {
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        let rows = array.len();
        let flat = match array.data_type() {
            DataType::Utf8 => flat(array.as_string::<i32>(), nulls.as_ref()),
            DataType::LargeUtf8 => flat(array.as_string::<i64>(), nulls.as_ref()),
            _ => None,
        };
        let texts = match flat {
            Some(texts) => texts,
            None => one_by_one(array, nulls.as_ref())?,
        };
        Some(Self { texts, nulls, rows })
    }

    /// The texts, in the order of their rows.
    #[must_use]
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Whether the row at index `row` has a text.
    #[must_use]
    pub fn has(&self, row: usize) -> bool {
        is_valid(self.nulls.as_ref(), row)
    }

    /// Removes the texts that have nothing but white space.
    pub(crate) fn without_blank(self) -> Self {
        self.filter(|_, text| !text.trim().is_empty())
    }

    /// Removes the texts that are longer than `limit` bytes. Returns their rows.
    pub(crate) fn without_long(self, limit: usize) -> (Self, Vec<usize>) {
        let mut long = Vec::new();
        if self.texts.as_str().len() <= limit {
            return (self, long);
        }
        let cells = self.filter(|row, text| {
            let fits = text.len() <= limit;
            if !fits {
                long.push(row);
            }
            fits
        });
        (cells, long)
    }

    /// Keeps the texts that `is_wanted` accepts, by row and text.
    fn filter(self, mut is_wanted: impl FnMut(usize, &str) -> bool) -> Self {
        let (mut texts, mut next) = (Texts::default(), self.texts.iter());
        let present = (0..self.rows).map(|row| {
            let text = match self.has(row) {
                true => next.next().filter(|text| is_wanted(row, text)),
                false => None,
            };
            text.into_iter().for_each(|text| texts.push(text));
            text.is_some()
        });
        let nulls = present.collect::<Vec<_>>().into();
        Self {
            texts,
            nulls: Some(nulls),
            rows: self.rows,
        }
    }
}

fn is_valid(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_none_or(|nulls| nulls.is_valid(row))
}

/// The texts of an array as one copy of its buffer. `None` when the buffer has
/// bytes between them.
fn flat<O: OffsetSizeTrait>(
    array: &GenericStringArray<O>,
    nulls: Option<&NullBuffer>,
) -> Option<Texts> {
    let offsets = array.value_offsets();
    let start = offsets.first()?.as_usize();
    let end = offsets.last()?.as_usize();
    let bytes = array.value_data().get(start..end)?;
    let mut ends = Vec::with_capacity(array.len());
    for (row, pair) in offsets.windows(2).enumerate() {
        if is_valid(nulls, row) {
            ends.push(pair[1].as_usize() - start);
        } else if pair[0] != pair[1] {
            return None;
        }
    }
    Texts::from_parts(String::from_utf8(bytes.to_vec()).ok()?, ends)
}

/// The texts of an array, copied one by one.
fn one_by_one(array: &ArrayRef, nulls: Option<&NullBuffer>) -> Option<Texts> {
    let rows = (0..array.len()).filter(|row| is_valid(nulls, *row));
    let mut texts = Texts::default();
    let DataType::Dictionary(..) = array.data_type() else {
        let strings = Strings::of(array)?;
        rows.for_each(|row| texts.push(strings.get(row)));
        return Some(texts);
    };
    let dictionary = array.as_any_dictionary();
    if dictionary.values().is_empty() {
        // All rows are null.
        return Some(texts);
    }
    let strings = Strings::of(dictionary.values())?;
    let keys = dictionary.normalized_keys();
    rows.for_each(|row| texts.push(strings.get(keys[row])));
    Some(texts)
}

/// An array of texts in one of Arrow's layouts.
enum Strings<'a> {
    Short(&'a GenericStringArray<i32>),
    Long(&'a GenericStringArray<i64>),
    Views(&'a StringViewArray),
}

impl<'a> Strings<'a> {
    fn of(array: &'a ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Utf8 => Self::Short(array.as_string()),
            DataType::LargeUtf8 => Self::Long(array.as_string()),
            DataType::Utf8View => Self::Views(array.as_string_view()),
            _ => return None,
        })
    }

    fn get(&self, row: usize) -> &'a str {
        match self {
            Self::Short(array) => array.value(row),
            Self::Long(array) => array.value(row),
            Self::Views(array) => array.value(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int8Type;
    use arrow_array::{DictionaryArray, Int32Array, LargeStringArray, StringArray};

    use super::*;

    /// Every layout gives the same texts, with nulls and for slices.
    #[test]
    fn every_layout_gives_the_same_texts() {
        let rows = [Some("one"), None, Some(""), Some("木"), Some("one"), None];
        let arrays: [ArrayRef; 4] = [
            Arc::new(StringArray::from_iter(rows)),
            Arc::new(LargeStringArray::from_iter(rows)),
            Arc::new(StringViewArray::from_iter(rows)),
            Arc::new(DictionaryArray::<Int8Type>::from_iter(rows)),
        ];
        for array in arrays {
            for from in 0..=rows.len() {
                for length in 0..=rows.len() - from {
                    let cells = ColumnTexts::of(&array.slice(from, length)).unwrap();
                    let part = &rows[from..from + length];
                    let texts: Vec<_> = cells.texts.iter().collect();
                    let expected: Vec<_> = part.iter().flatten().copied().collect();
                    assert_eq!(texts, expected, "{}", array.data_type());
                    let has: Vec<_> = (0..length).map(|row| cells.has(row)).collect();
                    let expected: Vec<_> = part.iter().map(Option::is_some).collect();
                    assert_eq!(has, expected);

                    let cells = cells.without_blank();
                    let has: Vec<_> = (0..length).map(|row| cells.has(row)).collect();
                    let is_text = |text: &Option<&str>| text.is_some_and(|text| !text.is_empty());
                    assert_eq!(has, part.iter().map(is_text).collect::<Vec<_>>());
                    assert_eq!(cells.texts.len(), has.iter().filter(|has| **has).count());
                }
            }
        }
        let texts: ArrayRef = Arc::new(StringArray::from_iter([Some("12345"), None, Some("123")]));
        let (cells, long) = ColumnTexts::of(&texts).unwrap().without_long(4);
        assert_eq!(cells.texts.iter().collect::<Vec<_>>(), ["123"]);
        assert_eq!((long, cells.has(0), cells.has(2)), (vec![0], false, true));
        let none: ArrayRef = Arc::new(DictionaryArray::<Int8Type>::from_iter([None::<&str>; 3]));
        assert_eq!(ColumnTexts::of(&none).unwrap().texts.len(), 0);
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        assert!(ColumnTexts::of(&numbers).is_none());
    }
}
