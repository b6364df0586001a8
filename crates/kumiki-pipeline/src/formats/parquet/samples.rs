//! Footers for tests.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, ListArray, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

/// The number of footers.
pub(super) const FOOTERS: usize = 3;

/// A valid footer: without Arrow's types, with them, and with keys and values.
pub(super) fn footer(sample: usize) -> Vec<u8> {
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(["a", "b", "c", "d"]));
    let lists = (0..4).map(|row| (row > 0).then(|| vec![Some(row); 2]));
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
    let rows =
        RecordBatch::try_from_iter_with_nullable([("text", texts, true), ("list", lists, true)]);
    let rows = rows.unwrap();
    let pairs = (0..3).map(|at| KeyValue::new(format!("key {at}"), "value".to_owned()));
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(3))
        .set_key_value_metadata((sample == 2).then(|| pairs.collect()))
        .build();
    let options = parquet::arrow::arrow_writer::ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(sample == 0);
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new_with_options(&mut file, rows.schema(), options).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let end = file.len() - 8;
    let length = u32::from_le_bytes(file[end..end + 4].try_into().unwrap());
    file[end - length as usize..end].to_vec()
}
