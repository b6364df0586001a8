//! The table that is written: the columns of the input, with results in one.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use kumiki_text::Texts;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;

/// The schema of the table that is written.
#[derive(Debug)]
pub(crate) struct TableTarget {
    pub(super) schema: SchemaRef,
    /// The index of the column for results. A new column is the last.
    column: usize,
    pub(super) compression: Compression,
    /// The metadata of the input file.
    pub(super) metadata: Vec<KeyValue>,
}

/// The key of Arrow's types, which the writer adds itself.
const ARROW_SCHEMA: &str = "ARROW:schema";

impl TableTarget {
    /// The columns of the table.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The table of a file, with results in the column `name`.
    pub(crate) fn new(metadata: &ArrowReaderMetadata, name: &str) -> Self {
        let schema = metadata.schema();
        let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
        let field = Arc::new(Field::new(name, DataType::Utf8, true));
        let column = schema.index_of(name).unwrap_or(fields.len());
        match fields.get_mut(column) {
            Some(old) => *old = field,
            None => fields.push(field),
        }
        let file = metadata.metadata();
        let first = file
            .row_groups()
            .first()
            .and_then(|group| group.columns().first());
        let metadata = file.file_metadata().key_value_metadata().cloned();
        let mut metadata = metadata.unwrap_or_default();
        metadata.retain(|entry| entry.key != ARROW_SCHEMA);
        Self {
            schema: Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())),
            column,
            compression: first.map_or(Compression::SNAPPY, |column| column.compression()),
            metadata,
        }
    }
}

/// Rows of the input that results are written into.
pub(crate) struct TableRows {
    rows: RecordBatch,
    /// The memory of the rows.
    bytes: usize,
    /// Whether a row group of the input ends after the rows.
    ends_group: bool,
    target: Arc<TableTarget>,
}

/// Rows of the output.
#[derive(Debug)]
pub(crate) struct TablePart {
    pub(crate) rows: RecordBatch,
    /// Whether a row group ends after the rows.
    pub(crate) ends_group: bool,
}

impl TableRows {
    /// Rows that take `bytes` bytes of memory.
    pub(crate) fn new(rows: RecordBatch, bytes: usize, target: Arc<TableTarget>) -> Self {
        Self {
            rows,
            bytes,
            ends_group: false,
            target,
        }
    }

    /// The end of a row group, without rows.
    pub(crate) fn end_of_group(target: Arc<TableTarget>) -> Self {
        Self {
            rows: RecordBatch::new_empty(target.schema()),
            bytes: 0,
            ends_group: true,
            target,
        }
    }

    /// The memory of the rows, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a row group of the input ends after the rows.
    pub(crate) fn ends_group(&self) -> bool {
        self.ends_group
    }

    /// The rows from index `from` on with their results: `ends` has the end of each
    /// row's result in `results`, and `valid` whether it has one. `last` says whether
    /// these are the last rows.
    ///
    /// # Errors
    /// When the results have more than 2 GiB.
    pub(crate) fn with_results(
        &self,
        from: usize,
        results: &Texts,
        ends: &[usize],
        valid: Vec<bool>,
        last: bool,
    ) -> Result<TablePart, ArrowError> {
        let ends_group = self.ends_group && last;
        if ends.is_empty() {
            let rows = self.rows.slice(0, 0);
            return Ok(TablePart { rows, ends_group });
        }
        let rows = self.rows.slice(from, ends.len());
        let mut offsets = Vec::with_capacity(valid.len() + 1);
        offsets.push(0_i32);
        for end in ends {
            offsets.push(i32::try_from(*end).map_err(|_| {
                let message = "the results of a few thousand rows have more than 2 GiB";
                ArrowError::ComputeError(message.to_owned())
            })?);
        }
        let array = StringArray::try_new(
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Buffer::from(results.as_str().as_bytes()),
            Some(NullBuffer::from(valid)),
        )?;
        let mut columns = rows.columns().to_vec();
        let array: ArrayRef = Arc::new(array);
        match columns.get_mut(self.target.column) {
            Some(old) => *old = array,
            None => columns.push(array),
        }
        let rows = RecordBatch::try_new(self.target.schema.clone(), columns)?;
        Ok(TablePart { rows, ends_group })
    }
}
