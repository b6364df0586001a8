//! What came of many records, in flat buffers.

use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;
use std::vec::IntoIter;

use crate::batch::key_and_value;
use crate::contract::{KeyValue, ProcessResult};
use crate::texts::Texts;
use crate::{Error, Result};

/// What came of many records in one plugin, or in a chain: one answer for each,
/// in order. They lie one behind the other, so that an answer costs no
/// allocation; [`Answer::to_result`] gives one by itself.
#[derive(Debug, Default)]
pub struct Answers {
    outputs: Texts,
    metadata: Metadata,
    /// The rows without an answer, in order.
    failures: Vec<(usize, Arc<Error>)>,
    /// Bytes of memory of these errors, about.
    failure_bytes: usize,
}

/// Entries of metadata, and where those of each row end. While there are none
/// at all, no row is noted.
#[derive(Debug, Default)]
struct Metadata {
    ends: Vec<usize>,
    keys: Texts,
    values: Texts,
}

/// One of the [`Answers`], where it lies.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Answer<'a> {
    /// The output.
    pub output: &'a str,
    /// The metadata, in order.
    pub metadata: Entries<'a>,
}

/// The metadata of one answer.
#[derive(Clone, Copy, Debug)]
pub struct Entries<'a> {
    metadata: &'a Metadata,
    from: usize,
    to: usize,
}

impl Answers {
    pub(crate) fn with_capacity(rows: usize, bytes: usize) -> Self {
        Self {
            outputs: Texts::with_capacity(rows, bytes),
            ..Self::default()
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// One of them, counted from 0, or why there is none in its place.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<Result<Answer<'_>, &Arc<Error>>> {
        let output = self.outputs.get(row)?;
        let failure = self.failures.binary_search_by_key(&row, |(row, _)| *row);
        Some(match failure {
            Ok(at) => Err(&self.failures.get(at)?.1),
            Err(_) => Ok(self.answer(row, output)),
        })
    }

    /// All of them, in order, and in the place of each that there is none for,
    /// why.
    pub fn iter(&self) -> impl Iterator<Item = Result<Answer<'_>, &Arc<Error>>> {
        let mut failures = self.failures.iter().peekable();
        let outputs = self.outputs.iter().enumerate();
        outputs.map(
            move |(row, output)| match failures.next_if(|(failed, _)| *failed == row) {
                Some((_, error)) => Err(error),
                None => Ok(self.answer(row, output)),
            },
        )
    }

    /// The outputs alone. In the place of a record that has none there is an
    /// arbitrary text: look at [`Answers::failures`] first.
    #[must_use]
    pub fn outputs(&self) -> &Texts {
        &self.outputs
    }

    /// The rows without an answer, counted from 0, in order, and why.
    #[must_use]
    pub fn failures(&self) -> &[(usize, Arc<Error>)] {
        &self.failures
    }

    /// Why rows are without an answer; not of those that a chain shares.
    pub(crate) fn into_failures(self) -> impl Iterator<Item = Error> {
        let failures = self.failures.into_iter();
        failures.filter_map(|(_, error)| Arc::into_inner(error))
    }

    /// How many bytes all of them have: outputs, metadata and errors.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.outputs.as_str().len() + self.metadata.bytes() + self.failure_bytes
    }

    /// Bytes of the answer of one row: output and metadata.
    pub(crate) fn row_bytes(&self, row: usize) -> usize {
        let entries = self.metadata.row(row).iter();
        let entries: usize = entries.map(|(key, value)| key.len() + value.len()).sum();
        self.outputs.get(row).unwrap_or_default().len() + entries
    }

    fn answer<'a>(&'a self, row: usize, output: &'a str) -> Answer<'a> {
        let metadata = self.metadata.row(row);
        Answer { output, metadata }
    }

    /// Adds what came of a record.
    pub(crate) fn push(&mut self, answer: Result<ProcessResult>) {
        match answer {
            Ok(ProcessResult { output, metadata }) => {
                self.push_answer(&output, metadata.iter().map(key_and_value));
            }
            Err(error) => self.push_failure(error),
        }
    }

    /// Adds an answer.
    pub(crate) fn push_answer<'a>(
        &mut self,
        output: &str,
        entries: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        for (key, value) in entries {
            self.metadata.push(key, value);
        }
        self.outputs.push(output);
        self.metadata.end(self.outputs.len());
    }

    /// Adds a row without an answer.
    pub(crate) fn push_failure(&mut self, error: impl Into<Arc<Error>>) {
        let error = error.into();
        self.failure_bytes += error.bytes();
        self.failures.push((self.len(), error));
        self.push_answer("", []);
    }

    /// Adds flat outputs of which none failed and none has metadata.
    pub(crate) fn extend_flat(&mut self, text: &str, ends: impl Iterator<Item = usize>) {
        self.outputs.extend_flat(text, ends);
        self.metadata.end(self.outputs.len());
    }

    /// Adds all of `others` behind these.
    pub(crate) fn append(&mut self, others: Self) {
        if self.is_empty() {
            *self = others;
            return;
        }
        for answer in others.iter() {
            self.push_copy(answer);
        }
    }

    /// Some of them, as answers of their own.
    pub(crate) fn copy(&self, rows: Range<usize>) -> Self {
        let mut copy = Self::default();
        for row in rows {
            if let Some(answer) = self.get(row) {
                copy.push_copy(answer);
            }
        }
        copy
    }

    fn push_copy(&mut self, answer: Result<Answer<'_>, &Arc<Error>>) {
        match answer {
            Ok(answer) => self.push_answer(answer.output, answer.metadata.iter()),
            Err(error) => self.push_failure(error.clone()),
        }
    }

    /// The outputs that there are, for the next plugin of a chain, and all else.
    pub(crate) fn split(self) -> (Texts, Earlier) {
        let rows = self.len();
        let good = match self.failures.is_empty() {
            true => self.outputs,
            false => self.iter().flatten().map(|answer| answer.output).collect(),
        };
        let earlier = Earlier {
            metadata: self.metadata,
            failures: self.failures.into_iter().peekable(),
            row: 0,
            rows,
        };
        (good, earlier)
    }
}

/// What a chain has of some rows beside their outputs, which are with the next
/// plugin.
pub(crate) struct Earlier {
    metadata: Metadata,
    failures: Peekable<IntoIter<(usize, Arc<Error>)>>,
    /// The next row, and how many there are.
    row: usize,
    rows: usize,
}

impl Earlier {
    /// What came of the next rows: `answers` to those that had not failed, with
    /// the metadata of both. Those that had failed between them are there, too,
    /// and behind the last as far as `all`.
    pub(crate) fn join(&mut self, answers: Answers, all: bool) -> Answers {
        let plain = self.metadata.keys.is_empty() && self.failures.peek().is_none();
        if plain {
            self.row += answers.len();
            return answers;
        }
        let mut joined = Answers::with_capacity(answers.len(), answers.outputs.as_str().len());
        for answer in answers.iter() {
            self.skip_failed(&mut joined);
            match answer {
                Ok(answer) => {
                    let earlier = self.metadata.row(self.row).iter();
                    joined.push_answer(answer.output, earlier.chain(answer.metadata.iter()));
                }
                Err(error) => joined.push_failure(error.clone()),
            }
            self.row += 1;
        }
        if all {
            self.skip_failed(&mut joined);
        }
        joined
    }

    /// How many bytes of metadata the next row has.
    pub(crate) fn next_bytes(&self) -> usize {
        let entries = self.metadata.row(self.row).iter();
        entries.map(|(key, value)| key.len() + value.len()).sum()
    }

    /// How many bytes all of it has.
    pub(crate) fn bytes(&self) -> usize {
        self.metadata.bytes()
    }

    fn skip_failed(&mut self, joined: &mut Answers) {
        while self.row < self.rows
            && let Some((_, error)) = self.failures.next_if(|(failed, _)| *failed == self.row)
        {
            joined.push_failure(error);
            self.row += 1;
        }
    }
}

impl Answer<'_> {
    /// The same, by itself.
    #[must_use]
    pub fn to_result(self) -> ProcessResult {
        let entry = |(key, value): (&str, &str)| KeyValue {
            key: key.to_owned(),
            value: value.to_owned(),
        };
        ProcessResult {
            output: self.output.to_owned(),
            metadata: self.metadata.iter().map(entry).collect(),
        }
    }
}

impl Metadata {
    fn push(&mut self, key: &str, value: &str) {
        self.keys.push(key);
        self.values.push(value);
    }

    /// All rows up to this number have what they are to have.
    fn end(&mut self, rows: usize) {
        let entries = self.keys.len();
        if entries == 0 {
            return;
        }
        if self.ends.is_empty() {
            // The rows before the first that has some.
            self.ends.resize(rows - 1, 0);
        }
        self.ends.resize(rows, entries);
    }

    fn bytes(&self) -> usize {
        self.keys.as_str().len() + self.values.as_str().len()
    }

    fn row(&self, row: usize) -> Entries<'_> {
        let end = |row: usize| self.ends.get(row).copied().unwrap_or_default();
        Entries {
            metadata: self,
            from: row.checked_sub(1).map_or(0, end),
            to: end(row),
        }
    }
}

impl<'a> Entries<'a> {
    /// Keys and values, in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> {
        let Self { metadata, from, to } = self;
        (from..to).map(move |at| {
            let (key, value) = (metadata.keys.get(at), metadata.values.get(at));
            (key.unwrap_or_default(), value.unwrap_or_default())
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.to.saturating_sub(self.from)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}
