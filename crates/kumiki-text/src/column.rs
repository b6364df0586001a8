//! Records in flat buffers, in Arrow's layout: written for the guest, and read
//! from what it answers. Nothing in an answer is believed: offsets rise and stay
//! in bounds, and what is between two of them is UTF-8, or there is no answer.

use kumiki::HostState;
use kumiki::wasmtime::{self, Store};

use crate::batch::{Answer, check_count, refused};
use crate::contract::{
    ColumnMetadata, ColumnResult, FailedRow, KeyValue, ProcessResult, TextBindings, TextData,
    TextsParam, TextsResult,
};

/// Gives the inputs to a plugin that has the function for them.
pub(crate) fn call(
    bindings: &TextBindings,
    store: &mut Store<HostState<TextData>>,
    inputs: &[&str],
) -> wasmtime::Result<Vec<Answer>> {
    let column = bindings.column();
    let column = column.ok_or_else(|| refused("it has no column"))?;
    let (offsets, bytes) = flat(inputs)?;
    let texts = TextsParam {
        offsets: &offsets,
        bytes: &bytes,
    };
    let result = column.call_process_column(store, texts)?;
    answers(&result, inputs.len())
}

/// The inputs, one behind the other.
fn flat(inputs: &[&str]) -> wasmtime::Result<(Vec<u32>, Vec<u8>)> {
    let mut offsets = Vec::with_capacity(inputs.len() + 1);
    let mut bytes = Vec::with_capacity(inputs.iter().map(|input| input.len()).sum());
    offsets.push(0);
    for input in inputs {
        bytes.extend_from_slice(input.as_bytes());
        offsets.push(u32::try_from(bytes.len())?);
    }
    Ok((offsets, bytes))
}

/// One answer for each of so many rows.
fn answers(result: &ColumnResult, rows: usize) -> wasmtime::Result<Vec<Answer>> {
    let ColumnResult {
        outputs,
        metadata,
        failed,
    } = result;
    let outputs = Texts::read(outputs)?;
    check_count(outputs.count(), rows)?;
    let metadata = Metadata::read(metadata, rows)?;
    let mut failed = failed.iter().peekable();
    let mut answers = Vec::with_capacity(rows);
    for row in 0..rows {
        let is_here = |failed: &&FailedRow| failed.row as usize == row;
        answers.push(match failed.next_if(is_here) {
            Some(failed) => Err(failed.error),
            None => Ok(ProcessResult {
                output: outputs.get(row)?.to_owned(),
                metadata: metadata.get(row)?,
            }),
        });
    }
    match failed.next() {
        None => Ok(answers),
        Some(_) => Err(refused("its failed rows are out of order or out of bounds")),
    }
}

/// Texts between checked borders.
struct Texts<'a> {
    offsets: &'a [u32],
    text: &'a str,
}

impl<'a> Texts<'a> {
    fn read(texts: &'a TextsResult) -> wasmtime::Result<Self> {
        let TextsResult { offsets, bytes } = texts;
        let text = std::str::from_utf8(bytes)?;
        let whole = match (offsets.first(), offsets.last()) {
            (None, None) => bytes.is_empty(),
            (first, last) => first == Some(&0) && last.map(|at| *at as usize) == Some(bytes.len()),
        };
        match whole {
            true => Ok(Self { offsets, text }),
            false => Err(refused("its offsets do not begin at 0 and end at the end")),
        }
    }

    fn count(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    fn get(&self, row: usize) -> wasmtime::Result<&'a str> {
        let text = || {
            let from = *self.offsets.get(row)?;
            let to = *self.offsets.get(row + 1)?;
            self.text.get(from as usize..to as usize)
        };
        text().ok_or_else(|| refused("its offsets fall, are out of bounds or split a character"))
    }
}

/// The metadata of all rows, if there is any.
struct Metadata<'a> {
    offsets: &'a [u32],
    keys: Texts<'a>,
    values: Texts<'a>,
}

impl<'a> Metadata<'a> {
    fn read(metadata: &'a ColumnMetadata, rows: usize) -> wasmtime::Result<Self> {
        let ColumnMetadata {
            offsets,
            keys,
            values,
        } = metadata;
        let (keys, values) = (Texts::read(keys)?, Texts::read(values)?);
        let entries = offsets.last().map_or(0, |last| *last as usize);
        let whole = match offsets.first() {
            None => true,
            Some(first) => *first == 0 && offsets.len() == rows + 1,
        };
        if !whole || keys.count() != entries || values.count() != entries {
            return Err(refused("its metadata does not belong to its rows"));
        }
        Ok(Self {
            offsets,
            keys,
            values,
        })
    }

    fn get(&self, row: usize) -> wasmtime::Result<Vec<KeyValue>> {
        let (Some(from), Some(to)) = (self.offsets.get(row), self.offsets.get(row + 1)) else {
            return Ok(Vec::new());
        };
        if from > to {
            return Err(refused("the offsets of its metadata fall"));
        }
        let entry = |at: u32| {
            Ok(KeyValue {
                key: self.keys.get(at as usize)?.to_owned(),
                value: self.values.get(at as usize)?.to_owned(),
            })
        };
        (*from..*to).map(entry).collect()
    }
}
