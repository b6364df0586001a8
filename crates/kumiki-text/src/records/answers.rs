//! Results of many records, stored in flat buffers.

use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;
use std::vec::IntoIter;

use super::batch::key_and_value;
use super::texts::Texts;
use crate::contract::{KeyValue, ProcessResult};
use crate::{Error, Result};

/// Results of many records from one plugin or a chain: an answer or an error for
/// each record, in order. They share flat buffers, so an answer costs no
/// allocation; [`Answer::to_result`] copies one out.
#[derive(Debug, Default)]
pub struct Answers {
    outputs: Texts,
    metadata: Metadata,
    /// The rows without an answer, in order.
    failures: Vec<(usize, Arc<Error>)>,
    /// Approximate memory of these errors, in bytes.
    failure_bytes: usize,
}

/// Metadata entries, and the end of each row's entries. `ends` stays empty until
/// the first entry is added.
#[derive(Debug, Default)]
struct Metadata {
    ends: Vec<usize>,
    keys: Texts,
    values: Texts,
}

/// A borrowed answer in [`Answers`].
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

    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Returns whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Returns the answer or error of a row, counted from 0; `None` if there is no
    /// such row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<Result<Answer<'_>, &Arc<Error>>> {
        let output = self.outputs.get(row)?;
        let failure = self.failures.binary_search_by_key(&row, |(row, _)| *row);
        Some(match failure {
            Ok(at) => Err(&self.failures.get(at)?.1),
            Err(_) => Ok(self.answer(row, output)),
        })
    }

    /// Iterates over all rows in order: each has an answer or an error.
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

    /// Returns the outputs only. The text of a failed row is unspecified: check
    /// [`Answers::failures`] first.
    #[must_use]
    pub fn outputs(&self) -> &Texts {
        &self.outputs
    }

    /// Returns the failed rows, counted from 0, in order, with their errors.
    #[must_use]
    pub fn failures(&self) -> &[(usize, Arc<Error>)] {
        &self.failures
    }

    /// Returns the errors of the failed rows, except errors that a chain shares.
    pub(crate) fn into_failures(self) -> impl Iterator<Item = Error> {
        let failures = self.failures.into_iter();
        failures.filter_map(|(_, error)| Arc::into_inner(error))
    }

    /// Returns the total size in bytes: outputs, metadata and errors.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.outputs.as_str().len() + self.metadata.bytes() + self.failure_bytes
    }

    /// Returns the size of one row's answer in bytes: output and metadata.
    pub(crate) fn row_bytes(&self, row: usize) -> usize {
        let entries = self.metadata.row(row).iter();
        let entries: usize = entries.map(|(key, value)| key.len() + value.len()).sum();
        self.outputs.get(row).unwrap_or_default().len() + entries
    }

    fn answer<'a>(&'a self, row: usize, output: &'a str) -> Answer<'a> {
        let metadata = self.metadata.row(row);
        Answer { output, metadata }
    }

    /// Adds the result of a record.
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

    /// Adds a failed row.
    pub(crate) fn push_failure(&mut self, error: impl Into<Arc<Error>>) {
        let error = error.into();
        self.failure_bytes += error.bytes();
        self.failures.push((self.len(), error));
        self.push_answer("", []);
    }

    /// Adds concatenated outputs without errors or metadata.
    pub(crate) fn extend_flat(&mut self, text: &str, ends: impl Iterator<Item = usize>) {
        self.outputs.extend_flat(text, ends);
        self.metadata.end(self.outputs.len());
    }

    /// Appends all rows of `others`.
    pub(crate) fn append(&mut self, others: Self) {
        if self.is_empty() {
            *self = others;
            return;
        }
        for answer in others.iter() {
            self.push_copy(answer);
        }
    }

    /// Copies some of the rows.
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

    /// Splits off the outputs of the rows that did not fail, which are the inputs of
    /// the next plugin in a chain.
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

/// Metadata and errors of rows whose outputs are being processed by the next
/// plugin of a chain.
pub(crate) struct Earlier {
    metadata: Metadata,
    failures: Peekable<IntoIter<(usize, Arc<Error>)>>,
    /// The next row.
    row: usize,
    /// The number of rows.
    rows: usize,
}

impl Earlier {
    /// Joins `answers`, the results of the next rows that had not failed, with the
    /// earlier metadata. Rows between them that had failed are included; those
    /// after the last answer only if `all` is set.
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

    /// Returns the size of the next row's metadata in bytes.
    pub(crate) fn next_bytes(&self) -> usize {
        let entries = self.metadata.row(self.row).iter();
        entries.map(|(key, value)| key.len() + value.len()).sum()
    }

    /// Returns the size of all metadata in bytes.
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
    /// Copies the answer into an owned result.
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

    /// Records that all rows up to this number are complete.
    fn end(&mut self, rows: usize) {
        let entries = self.keys.len();
        if entries == 0 {
            return;
        }
        if self.ends.is_empty() {
            // The rows before the first one with entries.
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
    /// Iterates over keys and values, in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> {
        let Self { metadata, from, to } = self;
        (from..to).map(move |at| {
            let (key, value) = (metadata.keys.get(at), metadata.values.get(at));
            (key.unwrap_or_default(), value.unwrap_or_default())
        })
    }

    /// Returns the number of entries.
    #[must_use]
    pub fn len(self) -> usize {
        self.to.saturating_sub(self.from)
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}
