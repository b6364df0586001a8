//! Any file as a table of Parquet: it is read or refused, without a panic that
//! gets out, and no batch of its rows is larger than it may be.

#![no_main]
#![allow(dead_code, reason = "the program needs more of these modules")]

use std::io::Write;

use libfuzzer_sys::fuzz_target;

/// The reader of the program, which is no library.
#[path = "../../crates/kumiki-cli/src/run/parquet"]
mod input {
    pub(crate) mod column;
    mod footer;
    mod group;
    mod guard;
    mod pages;
    pub(crate) mod reader;
    mod thrift;
}

use input::column::ColumnTexts;
use input::reader::{Next, ParquetReader};

/// A batch has 8 MiB, and two pages of 64 MiB that it lies across.
const MOST: usize = 144 << 20;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let Ok(mut reader) = ParquetReader::open(file.path(), 1 << 20) else {
        return;
    };
    let names = reader.metadata().schema().fields().iter();
    let names: Vec<_> = names.map(|field| field.name().clone()).collect();
    let Some(name) = names.first() else { return };
    if reader.select(name, true).is_err() {
        return;
    }
    // A file may say that it has billions of rows of nothing.
    for _ in 0..1000 {
        match reader.next() {
            Ok(Next::Rows(rows)) => {
                assert!(rows.get_array_memory_size() <= MOST);
                if let Some(cells) = ColumnTexts::of(rows.column(reader.column())) {
                    assert!(cells.texts.as_str().len() <= MOST);
                }
            }
            Ok(Next::GroupEnd) => {}
            Ok(Next::End) | Err(_) => return,
        }
    }
});
