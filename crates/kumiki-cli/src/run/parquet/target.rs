//! Where results go: into a column beside the others, or in the place of one.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use kumiki_text::Texts;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;

/// The table that is written.
pub(crate) struct ParquetTarget {
    pub(super) schema: SchemaRef,
    /// Which column takes the results; behind the others where there was none.
    at: usize,
    pub(super) compression: Compression,
    /// What the input's maker says of the whole file.
    pub(super) notes: Vec<KeyValue>,
}

/// Where Arrow keeps the types of the columns, which the writer does itself.
const ARROW_SCHEMA: &str = "ARROW:schema";

impl ParquetTarget {
    /// The columns that are written.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// A table as the one that `metadata` is of, with results in `name`.
    pub(crate) fn new(metadata: &ArrowReaderMetadata, name: &str) -> Self {
        let schema = metadata.schema();
        let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
        let field = Arc::new(Field::new(name, DataType::Utf8, true));
        let at = schema.index_of(name).unwrap_or(fields.len());
        match fields.get_mut(at) {
            Some(old) => *old = field,
            None => fields.push(field),
        }
        let file = metadata.metadata();
        let first = file
            .row_groups()
            .first()
            .and_then(|group| group.columns().first());
        let notes = file.file_metadata().key_value_metadata().cloned();
        let mut notes = notes.unwrap_or_default();
        notes.retain(|note| note.key != ARROW_SCHEMA);
        Self {
            schema: Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())),
            at,
            compression: first.map_or(Compression::SNAPPY, |column| column.compression()),
            notes,
        }
    }
}

/// Rows, and what they belong to.
pub(crate) struct Rows {
    bytes: usize,
    rows: RecordBatch,
    /// Whether a row group ends with them.
    ends_group: bool,
    target: Arc<ParquetTarget>,
}

impl Rows {
    /// Rows that take so many bytes of memory.
    pub(crate) fn new(rows: RecordBatch, bytes: usize, target: Arc<ParquetTarget>) -> Self {
        Self {
            rows,
            bytes,
            ends_group: false,
            target,
        }
    }

    /// Nothing but the end of a row group; `rows` has none.
    pub(crate) fn end_of_group(rows: RecordBatch, target: Arc<ParquetTarget>) -> Self {
        Self {
            rows,
            bytes: 0,
            ends_group: true,
            target,
        }
    }

    /// How much memory they take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a row group ends with them.
    pub(crate) fn ends_group(&self) -> bool {
        self.ends_group
    }

    /// Some of the rows with their results: `ends` is where in the texts that of
    /// each row ends, and `valid` whether it has one. They are the last with `last`.
    ///
    /// # Errors
    /// When there are more than 2 GiB of them.
    pub(crate) fn with(
        &self,
        from: usize,
        results: &Texts,
        ends: &[usize],
        valid: Vec<bool>,
        last: bool,
    ) -> Result<(RecordBatch, bool), ArrowError> {
        let ends_group = self.ends_group && last;
        if ends.is_empty() {
            return Ok((self.rows.slice(0, 0), ends_group));
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
        match columns.get_mut(self.target.at) {
            Some(old) => *old = array,
            None => columns.push(array),
        }
        let rows = RecordBatch::try_new(self.target.schema.clone(), columns)?;
        Ok((rows, ends_group))
    }
}
