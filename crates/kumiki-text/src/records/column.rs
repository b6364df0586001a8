//! Calls with records in flat buffers, in Arrow's layout. The inputs are passed
//! to the guest without conversion. Answers are validated: offsets must rise and
//! stay in bounds, and each text must be valid UTF-8; otherwise the call fails.

use kumiki::StoreData;
use kumiki::wasmtime::{self, Store};

use super::invalid_answer::{check_count, refused};
use super::texts::{TextRange, are_ends};
use crate::contract::{
    ColumnMetadata, ColumnResult, FailedRow, ProcessError, TextBindings, TextsParam, TextsResult,
};

/// A plugin's validated answer to a batch of records.
pub(crate) struct Column {
    outputs: FlatTexts,
    /// The start of each row's entries, then the end of the last row's; empty if no
    /// row has entries.
    entries: Vec<u32>,
    keys: FlatTexts,
    values: FlatTexts,
    failed: Vec<FailedRow>,
}

/// Calls `process-column` with the inputs.
pub(crate) fn call(
    bindings: &TextBindings,
    store: &mut Store<StoreData>,
    inputs: TextRange<'_>,
) -> wasmtime::Result<Column> {
    let column = bindings.column();
    let column = column.ok_or_else(|| refused("it does not export `column`"))?;
    let mut offsets = Vec::with_capacity(inputs.len() + 1);
    offsets.push(0);
    for end in inputs.ends() {
        offsets.push(u32::try_from(end)?);
    }
    let texts = TextsParam {
        offsets: &offsets,
        bytes: inputs.bytes(),
    };
    let result = column.call_process_column(store, texts)?;
    Column::check(result, inputs.len())
}

impl Column {
    fn check(result: ColumnResult, rows: usize) -> wasmtime::Result<Self> {
        let ColumnResult {
            outputs,
            metadata,
            failed,
        } = result;
        let outputs = FlatTexts::check(outputs)?;
        check_count(outputs.len(), rows)?;
        let ColumnMetadata {
            offsets: entries,
            keys,
            values,
        } = metadata;
        let (keys, values) = (FlatTexts::check(keys)?, FlatTexts::check(values)?);
        check_entries(&entries, rows, keys.len(), values.len())?;
        let rises = failed.is_sorted_by(|one, next| one.row < next.row);
        if !rises || failed.last().is_some_and(|last| last.row as usize >= rows) {
            return Err(refused("its failed rows are out of order or out of bounds"));
        }
        Ok(Self {
            outputs,
            entries,
            keys,
            values,
            failed,
        })
    }

    /// Returns the concatenated outputs and the end of each, if no row failed and
    /// none has metadata.
    pub(crate) fn plain(&self) -> Option<(&str, impl Iterator<Item = usize>)> {
        let plain = self.failed.is_empty() && self.keys.len() == 0;
        plain.then(|| (&*self.outputs.text, self.outputs.ends()))
    }

    /// Returns the length of the longest output, in bytes.
    pub(crate) fn longest(&self) -> usize {
        let mut last = 0;
        let lengths = self.outputs.ends().map(|end| {
            let length = end - last;
            last = end;
            length
        });
        lengths.max().unwrap_or_default()
    }

    /// Returns the result of each row: its output and its metadata, or its error.
    pub(crate) fn rows(
        &self,
    ) -> impl Iterator<Item = Result<(&str, impl ExactSizeIterator<Item = (&str, &str)>), ProcessError>>
    {
        let mut failed = self.failed.iter().peekable();
        (0..self.outputs.len()).map(move |row| {
            match failed.next_if(|failed| failed.row as usize == row) {
                Some(failed) => Err(failed.error),
                None => Ok((self.outputs.get(row), self.metadata(row))),
            }
        })
    }

    fn metadata(&self, row: usize) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let begin = |row: usize| self.entries.get(row).map_or(0, |at| *at as usize);
        let entries = begin(row)..begin(row + 1);
        entries.map(|at| (self.keys.get(at), self.values.get(at)))
    }
}

/// Texts with validated offsets.
struct FlatTexts {
    /// The start of the first text, which is 0, then the end of each text.
    offsets: Vec<u32>,
    text: String,
}

impl FlatTexts {
    fn check(texts: TextsResult) -> wasmtime::Result<Self> {
        let TextsResult { offsets, bytes } = texts;
        let text = String::from_utf8(bytes)?;
        let flat = Self { offsets, text };
        let begins = matches!(flat.offsets.first(), None | Some(0));
        match begins && are_ends(&flat.text, flat.ends()) {
            true => Ok(flat),
            false => Err(refused(
                "its offsets do not run from 0 to the end, or decrease, or split a character",
            )),
        }
    }

    fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    fn ends(&self) -> impl Iterator<Item = usize> {
        self.offsets.iter().skip(1).map(|end| *end as usize)
    }

    fn get(&self, at: usize) -> &str {
        let text = || {
            let (from, to) = (self.offsets.get(at)?, self.offsets.get(at + 1)?);
            self.text.get(*from as usize..*to as usize)
        };
        text().unwrap_or_default()
    }
}

/// Checks that the row offsets cover all metadata entries.
fn check_entries(offsets: &[u32], rows: usize, keys: usize, values: usize) -> wasmtime::Result<()> {
    let entries = offsets.last().map_or(0, |last| *last as usize);
    let begins = match offsets.first() {
        None => true,
        Some(first) => *first == 0 && offsets.len() == rows + 1,
    };
    match begins && offsets.is_sorted() && keys == entries && values == entries {
        true => Ok(()),
        false => Err(refused("its metadata does not match its rows")),
    }
}
