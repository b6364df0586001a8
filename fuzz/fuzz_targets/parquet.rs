//! Any file as a table of Parquet: it is read or refused, without a panic that
//! gets out, and no batch of its rows is larger than it may be.

#![no_main]

use std::io::Write;

use kumiki_pipeline::parquet::{ColumnTexts, ParquetPart, ParquetReader};
use libfuzzer_sys::fuzz_target;

/// A batch has 8 MiB and its largest row, which has 256 MiB at most, and pages of as
/// many bytes that it lies across. A buffer may have twice the length that it needs.
const MOST: usize = 1 << 30;

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
    // A file may say that it has billions of rows of nothing.
    for _ in 0..1000 {
        match reader.next_part() {
            Ok(ParquetPart::Rows(rows)) => {
                assert!(rows.get_array_memory_size() <= MOST);
                if let Some(cells) = ColumnTexts::of(rows.column(reader.column())) {
                    assert!(cells.texts().as_str().len() <= MOST);
                }
            }
            Ok(ParquetPart::GroupEnd) => {}
            Ok(ParquetPart::End) | Err(_) => return,
        }
    }
});
