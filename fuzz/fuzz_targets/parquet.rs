//! Reads any file as a Parquet table. It is read or refused without a panic, and no
//! batch of rows exceeds its size limit.

#![no_main]

use std::io::Write;

use kumiki_pipeline::parquet::{ColumnTexts, ParquetPart, ParquetReader};
use libfuzzer_sys::fuzz_target;

/// The maximum size of a batch in bytes: 8 MiB, its largest row (at most 256 MiB), and
/// as many bytes for the pages that contain it. A buffer may have twice the length that
/// it needs.
const MAX_BATCH: usize = 1 << 30;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let Ok(mut reader) = ParquetReader::open(file.path(), 1 << 20) else {
        return;
    };
    let names = reader.column_names();
    let Some(name) = names.first() else { return };
    if reader.select(name, true).is_err() {
        return;
    }
    // A file may claim to have billions of empty rows.
    for _ in 0..1000 {
        match reader.next_part() {
            Ok(ParquetPart::Rows(rows)) => {
                assert!(rows.get_array_memory_size() <= MAX_BATCH);
                if let Some(cells) = ColumnTexts::of(rows.column(reader.column())) {
                    assert!(cells.texts().as_str().len() <= MAX_BATCH);
                }
            }
            Ok(ParquetPart::GroupEnd) => {}
            Ok(ParquetPart::End) | Err(_) => return,
        }
    }
});
