//! Many texts in one buffer.

use std::ops::Range;

/// Texts that lie one behind the other, as in an Arrow column: what many
/// records are handed over in. A text costs its bytes and one number, and no
/// allocation.
///
/// ```
/// use kumiki_text::Texts;
///
/// let mut texts = Texts::from_iter(["one", ""]);
/// texts.push("木");
/// assert_eq!(texts.iter().collect::<Vec<_>>(), ["one", "", "木"]);
///
/// // From a column that has them so already: nothing is copied.
/// let texts = Texts::from_parts("onetwo".to_owned(), vec![3, 6]).unwrap();
/// assert_eq!(texts.get(1), Some("two"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    /// Where each text ends, and the next begins.
    ends: Vec<usize>,
}

impl Texts {
    /// None yet, with room for so many texts and bytes of them.
    #[must_use]
    pub fn with_capacity(texts: usize, bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            ends: Vec::with_capacity(texts),
        }
    }

    /// Texts that lie one behind the other in `text`: where each ends. None
    /// where these fall, split a character, or do not end with `text`.
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

    /// How many texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One of the texts, counted from 0.
    #[inline]
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        self.text.get(self.start(at)..end)
    }

    /// The texts, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|at| self.get(at).unwrap_or_default())
    }

    /// All texts in one piece.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where each text ends in [`Texts::as_str`], in bytes; it begins where the
    /// one before it ends.
    #[must_use]
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Where a text begins.
    #[inline]
    fn start(&self, at: usize) -> usize {
        match at {
            0 => 0,
            at => self.ends.get(at - 1).copied().unwrap_or(self.text.len()),
        }
    }

    /// Adds texts that lie one behind the other: what [`are_ends`] holds for.
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

/// Whether texts may end there: none falls behind the one before it or splits a
/// character, and the last is the end of `text`.
pub(crate) fn are_ends(text: &str, ends: impl Iterator<Item = usize>) -> bool {
    let (mut last, mut good) = (0, true);
    for end in ends {
        good &= end >= last && text.is_char_boundary(end);
        last = end;
    }
    good && last == text.len()
}

/// Some of the texts, in a row.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    texts: &'a Texts,
    from: usize,
    to: usize,
}

impl<'a> Rows<'a> {
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

    /// The first so many, of which there must be as many, and the others.
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

    /// The bytes of all of them.
    pub(crate) fn bytes(self) -> &'a [u8] {
        let Range { start, end } = self.range();
        self.texts
            .text
            .as_bytes()
            .get(start..end)
            .unwrap_or_default()
    }

    /// Where each ends in these bytes.
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
    fn ends_are_not_believed() {
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
    fn some_rows_are_as_they_are_among_all() {
        let texts = Texts::from_iter(["a", "", "木b", "c"]);
        for from in 0..=4 {
            for rows in 0..=4 - from {
                let (some, _) = Rows::all(&texts).split_at(from).1.split_at(rows);
                let expected: Vec<_> = texts.iter().skip(from).take(rows).collect();
                assert_eq!(some.iter().collect::<Vec<_>>(), expected);
                assert_eq!(some.bytes(), expected.concat().as_bytes());
                assert_eq!(some.ends().last().unwrap_or(0), some.bytes().len());
                assert_eq!(some.len(), rows);
            }
        }
    }
}
