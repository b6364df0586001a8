//! Valid files of Parquet: the reader, which refuses so much, must accept each of
//! them and give the same rows as the crate parquet alone.

mod columns;
mod settings;

use std::path::Path;

use arrow_array::RecordBatch;
use kumiki_pipeline::parquet::{ParquetPart, ParquetReader};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use settings::Settings;

/// The limit of a line.
const LIMIT: usize = 1 << 20;

/// Rows as the crate parquet gives them.
fn expected(path: &Path) -> Vec<RecordBatch> {
    let file = std::fs::File::open(path).expect("it is valid");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("it is valid");
    let reader = builder.with_batch_size(1000).build().expect("it is valid");
    reader.map(|rows| rows.expect("it is valid")).collect()
}

/// Rows as the reader under test gives them.
fn found(path: &Path) -> Result<Vec<RecordBatch>, String> {
    let mut reader = ParquetReader::open(path, LIMIT)?;
    reader
        .select("text", true)
        .map_err(|error| format!("{error:?}"))?;
    let mut found = Vec::new();
    loop {
        match reader.next_part()? {
            ParquetPart::Rows(rows) => found.push(rows),
            ParquetPart::GroupEnd => {}
            ParquetPart::End => return Ok(found),
        }
    }
}

/// Whether both have the same rows, however they are cut.
fn same(mut left: &[RecordBatch], mut right: &[RecordBatch]) -> bool {
    let (mut of_left, mut of_right) = (0, 0);
    while let ([a, ..], [b, ..]) = (left, right) {
        let count = (a.num_rows() - of_left).min(b.num_rows() - of_right);
        for (a, b) in a.columns().iter().zip(b.columns()) {
            if a.slice(of_left, count).as_ref() != b.slice(of_right, count).as_ref() {
                return false;
            }
        }
        (of_left, of_right) = (of_left + count, of_right + count);
        if of_left == a.num_rows() {
            (left, of_left) = (&left[1..], 0);
        }
        if of_right == b.num_rows() {
            (right, of_right) = (&right[1..], 0);
        }
    }
    left.is_empty() && right.is_empty()
}

fn write(path: &Path, rows: &RecordBatch, settings: &Settings) {
    let file = std::fs::File::create(path).expect("it is valid");
    let properties = settings.properties(rows.schema_ref());
    let mut writer =
        ArrowWriter::try_new(file, rows.schema(), Some(properties)).expect("it is valid");
    writer.write(rows).expect("it is valid");
    writer.close().expect("it is valid");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn valid_files_are_read_like_the_parquet_crate(
        settings in settings::any_settings(),
        count in 0..3_000_usize,
        seed: u64,
    ) {
        let folder = tempfile::tempdir().expect("it is valid");
        let path = folder.path().join("in.parquet");
        let rows = columns::rows(count, seed);
        write(&path, &rows, &settings);
        let expected = expected(&path);
        let found = found(&path);
        prop_assert!(found.is_ok(), "{:?}", found.err());
        prop_assert!(same(&expected, &found.expect("it is valid")));
    }
}

/// Rows of very different sizes are cut into batches that are not too large, and are
/// not read one by one.
#[test]
fn batch_size_depends_on_row_size() {
    let folder = tempfile::tempdir().expect("it is valid");
    let path = folder.path().join("in.parquet");
    let rows = columns::skewed(20_000, 300_000);
    write(&path, &rows, &Settings::default());
    let found = found(&path).expect("it is valid");
    assert!(same(&expected(&path), &found));
    let largest = found.iter().map(RecordBatch::get_array_memory_size).max();
    assert!(largest.expect("it is valid") < 32 << 20, "{largest:?}");
    assert!(found.len() < 100, "{} batches", found.len());
}
