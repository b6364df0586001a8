//! A list of texts in one buffer.

use std::ops::Range;

/// A list of texts in one contiguous buffer, like an Arrow column, used to pass
/// many records. A text costs its bytes and one `usize`, and no allocation.
///
/// ```
/// use kumiki_text::Texts;
///
/// let mut texts = Texts::from_iter(["one", ""]);
/// texts.push("木");
/// assert_eq!(texts.iter().collect::<Vec<_>>(), ["one", "", "木"]);
///
/// // From a column with the same layout, without copying.
/// let texts = Texts::from_parts("onetwo".to_owned(), vec![3, 6]).unwrap();
/// assert_eq!(texts.get(1), Some("two"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    /// The end of each text, which is the start of the next.
    ends: Vec<usize>,
}

impl Texts {
    /// Creates an empty list with room for `texts` texts of `bytes` bytes in total.
    #[must_use]
    pub fn with_capacity(texts: usize, bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            ends: Vec::with_capacity(texts),
        }
    }

    /// Creates a list from concatenated texts and the end of each. Returns `None` if
    /// the ends decrease, split a character, or do not end with `text`.
    #[must_use]
    pub fn from_parts(text: String, ends: Vec<usize>) -> Option<Self> {
        are_ends(&text, ends.iter().copied()).then_some(Self { text, ends })
    }

    /// Adds a text.
    #[inline]
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// Returns the number of texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the text at index `at`, counted from 0.
    #[inline]
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        self.text.get(self.start(at)..end)
    }

    /// Iterates over the texts, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|at| self.get(at).unwrap_or_default())
    }

    /// Returns all texts, concatenated.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the end of each text in [`Texts::as_str`], in bytes. A text starts
    /// where the previous one ends.
    #[must_use]
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Returns the start of a text.
    #[inline]
    fn start(&self, at: usize) -> usize {
        match at {
            0 => 0,
            at => self.ends.get(at - 1).copied().unwrap_or(self.text.len()),
        }
    }

    /// Adds concatenated texts, for which [`are_ends`] must hold.
    pub(crate) fn extend_flat(&mut self, text: &str, ends: impl Iterator<Item = usize>) {
        let start = self.text.len();
        self.text.push_str(text);
        self.ends.extend(ends.map(|end| start + end));
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut all = Self::default();
        texts.into_iter().for_each(|text| all.push(text));
        all
    }
}

/// Whether `ends` are valid ends of texts: they do not decrease or split a
/// character, and the last one is the end of `text`.
pub(crate) fn are_ends(text: &str, ends: impl Iterator<Item = usize>) -> bool {
    let (mut last, mut good) = (0, true);
    for end in ends {
        good &= end >= last && text.is_char_boundary(end);
        last = end;
    }
    good && last == text.len()
}

/// A contiguous range of texts.
#[derive(Clone, Copy)]
pub(crate) struct TextRange<'a> {
    texts: &'a Texts,
    from: usize,
    to: usize,
}

impl<'a> TextRange<'a> {
    pub(crate) fn all(texts: &'a Texts) -> Self {
        Self {
            texts,
            from: 0,
            to: texts.len(),
        }
    }

    pub(crate) fn len(self) -> usize {
        self.to - self.from
    }

    /// Returns one text; an empty one beyond the range.
    pub(crate) fn get(self, row: usize) -> &'a str {
        let at = Some(self.from + row).filter(|at| *at < self.to);
        at.and_then(|at| self.texts.get(at)).unwrap_or_default()
    }

    /// Splits after the first `rows` texts.
    pub(crate) fn split_at(self, rows: usize) -> (Self, Self) {
        let middle = self.to.min(self.from + rows);
        let first = Self { to: middle, ..self };
        let others = Self {
            from: middle,
            ..self
        };
        (first, others)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a str> {
        (self.from..self.to).map(move |at| self.texts.get(at).unwrap_or_default())
    }

    /// Returns the bytes of all texts in the range.
    pub(crate) fn bytes(self) -> &'a [u8] {
        let Range { start, end } = self.range();
        self.texts
            .text
            .as_bytes()
            .get(start..end)
            .unwrap_or_default()
    }

    /// Returns the end of each text in these bytes.
    pub(crate) fn ends(self) -> impl Iterator<Item = usize> {
        let start = self.range().start;
        let ends = self.texts.ends.get(self.from..self.to);
        ends.unwrap_or_default().iter().map(move |end| end - start)
    }

    fn range(self) -> Range<usize> {
        self.texts.start(self.from)..self.texts.start(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_parts_rejects_invalid_ends() {
        for (text, ends, good) in [
            ("", vec![], true),
            ("", vec![0, 0], true),
            ("ab", vec![1, 1, 2], true),
            ("木a", vec![3, 4], true),
            ("木a", vec![1, 4], false),
            ("ab", vec![1], false),
            ("ab", vec![2, 1, 2], false),
            ("ab", vec![3], false),
            ("ab", vec![usize::MAX, 2], false),
            ("ab", vec![], false),
        ] {
            let texts = Texts::from_parts(text.to_owned(), ends.clone());
            assert_eq!(texts.is_some(), good, "{text:?} {ends:?}");
        }
    }

    #[test]
    fn rows_match_the_range_of_texts() {
        let texts = Texts::from_iter(["a", "", "木b", "c"]);
        for from in 0..=4 {
            for rows in 0..=4 - from {
                let (some, _) = TextRange::all(&texts).split_at(from).1.split_at(rows);
                let expected: Vec<_> = texts.iter().skip(from).take(rows).collect();
                assert_eq!(some.iter().collect::<Vec<_>>(), expected);
                assert_eq!(some.bytes(), expected.concat().as_bytes());
                assert_eq!(some.ends().last().unwrap_or(0), some.bytes().len());
                assert_eq!(some.len(), rows);
                let by_row: Vec<_> = (0..rows).map(|row| some.get(row)).collect();
                assert_eq!(by_row, expected);
                assert_eq!(some.get(rows), "");
            }
        }
    }
}
