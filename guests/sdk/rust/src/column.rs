//! Records in flat buffers, in Arrow's layout: nothing is allocated per record
//! to get them in or out.

use crate::bindings::exports::myapp::text_processor::column::{
    ColumnMetadata, ColumnResult, FailedRow, Texts,
};
use crate::{Output, Plugin, ProcessError, log_panics};

/// Processes all rows.
///
/// # Panics
/// When the host breaks the contract, which is a trap.
pub fn run<P: Plugin>(inputs: &Texts) -> ColumnResult {
    log_panics();
    // SAFETY: the contract says that it is UTF-8, and the host that keeps it is
    // whoever runs this plugin and can write anything into its memory. It is
    // what wit-bindgen does with a `string` that a host sends. To check it took
    // an eighth of what an upper-cased record of 100 bytes costs in all.
    let text = unsafe { std::str::from_utf8_unchecked(&inputs.bytes) };
    let mut rows = Vec::with_capacity(inputs.offsets.len());
    let mut from = 0;
    for &to in inputs.offsets.iter().skip(1) {
        // With a message of our own: those of std bring 5 KB along.
        let Some(row) = text.get(from as usize..to as usize) else {
            panic!("the host sent offsets that are none");
        };
        rows.push(row);
        from = to;
    }
    let mut column = Column::new(rows.len(), text.len());
    P::process_batch(&rows, &mut column);
    column.finish()
}

/// The rows that are done.
struct Column {
    outputs: Texts,
    /// Where the entries of each row end.
    entries: Vec<u32>,
    keys: Texts,
    values: Texts,
    failed: Vec<FailedRow>,
}

impl Extend<Result<Output, ProcessError>> for Column {
    fn extend<I: IntoIterator<Item = Result<Output, ProcessError>>>(&mut self, answers: I) {
        for answer in answers {
            self.add(answer);
        }
    }
}

impl Column {
    fn new(rows: usize, bytes: usize) -> Self {
        let mut entries = Vec::with_capacity(rows + 1);
        entries.push(0);
        Self {
            outputs: texts(rows, bytes),
            entries,
            keys: texts(0, 0),
            values: texts(0, 0),
            failed: Vec::new(),
        }
    }

    fn add(&mut self, answer: Result<Output, ProcessError>) {
        match answer {
            Ok(Output { text, metadata }) => {
                push(&mut self.outputs, &text);
                for entry in metadata {
                    push(&mut self.keys, &entry.key);
                    push(&mut self.values, &entry.value);
                }
            }
            Err(error) => {
                let row = self.entries.len() as u32 - 1;
                self.failed.push(FailedRow { row, error });
                push(&mut self.outputs, "");
            }
        }
        self.entries.push(self.keys.offsets.len() as u32 - 1);
    }

    fn finish(self) -> ColumnResult {
        let Self {
            outputs,
            entries,
            keys,
            values,
            failed,
        } = self;
        ColumnResult {
            outputs,
            metadata: ColumnMetadata {
                offsets: entries,
                keys,
                values,
            },
            failed,
        }
    }
}

fn texts(rows: usize, bytes: usize) -> Texts {
    let mut offsets = Vec::with_capacity(rows + 1);
    offsets.push(0);
    Texts {
        offsets,
        bytes: Vec::with_capacity(bytes),
    }
}

/// Not inlined, for the component's size.
#[inline(never)]
fn push(texts: &mut Texts, text: &str) {
    texts.bytes.extend_from_slice(text.as_bytes());
    texts.offsets.push(texts.bytes.len() as u32);
}
