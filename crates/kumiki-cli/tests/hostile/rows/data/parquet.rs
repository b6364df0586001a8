//! Writes Parquet files page by page.

use std::fs::File;
use std::io::{Seek, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::parser::parse_message_type;

use crate::guests::binary::leb128;
use crate::suite::to_text;

/// A valid file with the column `id` and a row for each line.
pub(crate) fn texts(lines: &str) -> Vec<u8> {
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(lines.lines()));
    let rows = RecordBatch::try_from_iter([("id", texts)]).expect("one column");
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, rows.schema(), None).expect("a schema");
    writer.write(&rows).expect("rows are written");
    writer.close().expect("a footer is written");
    file
}

/// The length of a text, which precedes the text.
pub(super) fn text_length(length: usize) -> [u8; 4] {
    (length as u32).to_le_bytes()
}

/// A run of equal levels or references.
pub(super) fn run(count: u32, value: u8) -> Vec<u8> {
    let mut bytes = leb128((count as usize) << 1);
    bytes.push(value);
    bytes
}

/// A run of equal references, preceded by the width of a reference.
pub(super) fn run_of(count: u32, value: u8) -> Vec<u8> {
    [&[1], &run(count, value)[..]].concat()
}

/// The bytes, preceded by their length.
pub(super) fn sized(bytes: &[u8]) -> Vec<u8> {
    [&text_length(bytes.len()), bytes].concat()
}

/// A run of equal levels, preceded by its length.
pub(super) fn levels(count: u32, value: u8) -> Vec<u8> {
    sized(&run(count, value))
}

/// A page of values with this decompressed size in its header.
pub(super) fn data(
    page: Vec<u8>,
    size: usize,
    num_values: u32,
    encoding: Encoding,
) -> (Page, usize) {
    let page = Page::DataPage {
        buf: page.into(),
        num_values,
        encoding,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    };
    (page, size)
}

/// A dictionary page with this decompressed size in its header.
pub(super) fn dictionary(page: Vec<u8>, size: usize, num_values: u32) -> (Page, usize) {
    let page = Page::DictionaryPage {
        buf: page.into(),
        num_values,
        encoding: Encoding::PLAIN,
        is_sorted: false,
    };
    (page, size)
}

/// A file with one column of these pages.
pub(super) fn file(
    schema: &str,
    compression: Compression,
    rows: u32,
    pages: &[(Page, usize)],
) -> Result<Vec<u8>, String> {
    table(schema, compression, rows, &[pages.to_vec()])
}

/// A file with columns of these pages.
pub(super) fn table(
    schema: &str,
    compression: Compression,
    rows: u32,
    columns: &[Vec<(Page, usize)>],
) -> Result<Vec<u8>, String> {
    let written = || -> Result<Vec<u8>, parquet::errors::ParquetError> {
        let schema = Arc::new(parse_message_type(schema)?);
        let properties = Arc::new(WriterProperties::builder().build());
        let mut file = SerializedFileWriter::new(Vec::new(), schema, properties)?;
        let types = file.schema_descr().columns().to_vec();
        let mut group = file.next_row_group()?;
        for (pages, descriptor) in columns.iter().zip(types) {
            let (chunk, length) = chunk(pages)?;
            let values = pages.iter().filter(|(page, _)| page.is_data_page());
            let values: i64 = values.map(|(page, _)| i64::from(page.num_values())).sum();
            let first = pages
                .first()
                .is_some_and(|(page, _)| page.is_dictionary_page());
            let metadata = ColumnChunkMetaData::builder(descriptor)
                .set_compression(compression)
                .set_encodings(vec![Encoding::PLAIN, Encoding::RLE])
                .set_num_values(values)
                .set_total_compressed_size(length)
                .set_total_uncompressed_size(length)
                .set_dictionary_page_offset(first.then_some(0))
                .set_data_page_offset(0)
                .build()?;
            group.append_column(
                &chunk,
                ColumnCloseResult {
                    bytes_written: length.cast_unsigned(),
                    rows_written: u64::from(rows),
                    metadata,
                    bloom_filter: None,
                    column_index: None,
                    offset_index: None,
                },
            )?;
        }
        group.close()?;
        file.into_inner()
    };
    written().map_err(to_text)
}

/// A file with the pages of a column, and its length.
fn chunk(pages: &[(Page, usize)]) -> Result<(File, i64), parquet::errors::ParquetError> {
    let mut file = tempfile::tempfile()?;
    let mut sink = TrackedWrite::new(&mut file);
    let mut writer = SerializedPageWriter::new(&mut sink);
    for (page, size) in pages {
        writer.write_page(CompressedPage::new(page.clone(), *size))?;
    }
    sink.flush()?;
    drop(sink);
    let length = file.stream_position()?;
    Ok((file, length.cast_signed()))
}
