//! Rows: Parquet pages whose headers do not match their contents, and rows with very
//! many values.

use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::column::page::Page;

use super::inputs::{HUGE, TEXTS, compressed, gzip, row, row_with, table_row, zstd};
use super::parquet::{data, dictionary, file, levels, run, run_of, sized, table, text_length};
use crate::guests::binary::leb128;
use crate::suite::Case;

const LISTS: &str = "message m {
    required binary id (UTF8);
    optional group list (LIST) { repeated group list { optional int32 element; } }
}";

const LISTS_OF_TEXTS: &str = "message m {
    required binary id (UTF8);
    optional group list (LIST) { repeated group list { optional binary element (UTF8); } }
}";

pub(crate) fn cases() -> Vec<Case> {
    let rows = [headers(), claims(), lists()];
    rows.into_iter().flatten().collect()
}

fn headers() -> Vec<Case> {
    vec![
        row(
            "a page of Parquet with a 64-bit size of 1.5 GB",
            "in.parquet",
            1,
            "page 1 of column `id` in row group 1: its header is malformed",
            || {
                let page = compressed(zstd, &text_length(HUGE - 4), HUGE - 4)?;
                let page = data(page, HUGE, 1, Encoding::PLAIN);
                let mut file = file(TEXTS, Compression::ZSTD(ZstdLevel::default()), 1, &[page])?;
                // After the first four bytes are the kind of the page and its size.
                let size = file.get_mut(6).filter(|field| **field == 0x15);
                *size.ok_or("the header has another layout")? = 0x16;
                Ok(file)
            },
        ),
        row(
            "a page of Parquet with 30 MB more gzip than its header says",
            "in.parquet",
            1,
            "page 1 of column `id` in row group 1: its decompressed size is not",
            || {
                let page = compressed(gzip, &text_length(996), 30_000_000)?;
                let compression = Compression::GZIP(GzipLevel::default());
                file(
                    TEXTS,
                    compression,
                    1,
                    &[data(page, 1000, 1, Encoding::PLAIN)],
                )
            },
        ),
        row(
            "a page of Parquet with 30 MB more zstd than its header says",
            "in.parquet",
            1,
            "page 1 of column `id` in row group 1: its decompressed size is not",
            || {
                let page = compressed(zstd, &text_length(996), 30_000_000)?;
                let compression = Compression::ZSTD(ZstdLevel::default());
                file(
                    TEXTS,
                    compression,
                    1,
                    &[data(page, 1000, 1, Encoding::PLAIN)],
                )
            },
        ),
    ]
}

fn claims() -> Vec<Case> {
    vec![
        row(
            "two billion lengths in 20 bytes of Parquet",
            "in.parquet",
            1,
            "it has 2000000000 values",
            || {
                // One block, one miniblock, and no bits for a difference.
                let count = 2_000_000_000;
                let mut page = leb128(1 << 31);
                page.push(1);
                page.extend(leb128(count));
                page.extend([0, 0, 0]);
                let size = page.len();
                let count = count as u32;
                let page = data(page, size, count, Encoding::DELTA_LENGTH_BYTE_ARRAY);
                file(TEXTS, Compression::UNCOMPRESSED, count, &[page])
            },
        ),
        table_row(
            "two dictionaries of 33 million empty texts in Parquet",
            "columns and their pages take",
            dictionaries,
        ),
        table_row(
            "20,000 columns of Parquet",
            "columns and their pages take",
            columns,
        ),
        table_row(
            "a dictionary of 500 million numbers in Parquet",
            "it claims a dictionary of 500000000 values in 4 bytes",
            || {
                let schema = "message m { required binary id (UTF8); required int32 number; }";
                let references = run_of(1, 0);
                let size = references.len();
                let numbers = vec![
                    dictionary(vec![0; 4], 4, 500_000_000),
                    data(references, size, 1, Encoding::RLE_DICTIONARY),
                ];
                table(schema, Compression::UNCOMPRESSED, 1, &[ids(1), numbers])
            },
        ),
    ]
}

/// A table with one row and two columns, each with a dictionary of 127 MiB of empty
/// texts.
fn dictionaries() -> Result<Vec<u8>, String> {
    const BYTES: usize = 127 << 20;
    let schema = "message m { required binary id (UTF8); required binary b (UTF8); }";
    let compression = Compression::ZSTD(ZstdLevel::default());
    let texts = compressed(zstd, &[], BYTES)?;
    let references = compressed(zstd, &run_of(1, 0), 0)?;
    let size = run_of(1, 0).len();
    let pages = || {
        let texts = dictionary(texts.clone(), BYTES, (BYTES / 4) as u32);
        vec![
            texts,
            data(references.clone(), size, 1, Encoding::RLE_DICTIONARY),
        ]
    };
    table(schema, compression, 1, &[pages(), pages()])
}

/// A table with one row and 20,000 columns, each with a zstd page.
fn columns() -> Result<Vec<u8>, String> {
    const COLUMNS: usize = 20_000;
    let numbers: String = (0..COLUMNS)
        .map(|column| format!("required int32 c{column}; "))
        .collect();
    let schema = format!("message m {{ required binary id (UTF8); {numbers}}}");
    let compression = Compression::ZSTD(ZstdLevel::default());
    let id = compressed(zstd, &text_length(0), 0)?;
    let number = compressed(zstd, &[], 4)?;
    let mut pages = vec![vec![data(id, 4, 1, Encoding::PLAIN)]];
    pages.resize_with(COLUMNS + 1, || {
        vec![data(number.clone(), 4, 1, Encoding::PLAIN)]
    });
    table(&schema, compression, 1, &pages)
}

fn lists() -> Vec<Case> {
    vec![
        row_with(
            "four lists of four million nulls in a row of Parquet",
            ("in.parquet", " --field id --into out -O out.parquet"),
            0,
            "",
            || wide_rows(4_000_000, 5),
        ),
        table_row(
            "500 million nulls in a row of Parquet",
            "a row takes",
            || nulls(500_000_000, 1),
        ),
        table_row(
            "200 million nulls in one of 4,000 rows of Parquet",
            "a row takes",
            || nulls(200_000_000, 4_000),
        ),
        table_row(
            "a million references to 1 MB in a row of Parquet",
            "a row takes",
            || {
                let (count, length) = (1_000_000, 1_000_000);
                let mut repetition = run(1, 0);
                repetition.extend(run(count - 1, 1));
                let parts = [sized(&repetition), levels(count, 3), run_of(count, 0)];
                let page = parts.concat();
                let text = [&text_length(length)[..], &vec![b'a'; length]].concat();
                let sizes = (text.len(), page.len());
                let texts = vec![
                    dictionary(text, sizes.0, 1),
                    data(page, sizes.1, count, Encoding::RLE_DICTIONARY),
                ];
                let columns = [ids(1), texts];
                table(LISTS_OF_TEXTS, Compression::UNCOMPRESSED, 1, &columns)
            },
        ),
    ]
}

/// Four columns, each with a list of this many nulls in each row.
fn wide_rows(count: u32, rows: u32) -> Result<Vec<u8>, String> {
    let list = |name| {
        format!(
            "optional group {name} (LIST) {{ repeated group list {{ optional int64 element; }} }}"
        )
    };
    let lists = ["a", "b", "c", "d"].map(list).concat();
    let schema = format!("message m {{ required binary id (UTF8); {lists} }}");
    let row = [run(1, 0), run(count - 1, 1)].concat();
    let page = [sized(&row.repeat(rows as usize)), levels(count * rows, 2)].concat();
    let size = page.len();
    let list = vec![data(page, size, count * rows, Encoding::PLAIN)];
    let columns = [vec![ids(rows)], vec![list; 4]].concat();
    table(&schema, Compression::UNCOMPRESSED, rows, &columns)
}

/// A column of empty texts.
fn ids(rows: u32) -> Vec<(Page, usize)> {
    let ids = text_length(0).repeat(rows as usize);
    let size = ids.len();
    vec![data(ids, size, rows, Encoding::PLAIN)]
}

/// A list of many nulls in the last row, and no list in the rows before it. Unread
/// bytes make the page large enough to be plausible.
fn nulls(count: u32, rows: u32) -> Result<Vec<u8>, String> {
    let mut repetition = run(rows, 0);
    repetition.extend(run(count, 1));
    let all = count + rows;
    let page = [sized(&repetition), levels(all, 2)].concat();
    let (size, unread) = (page.len(), 16_000_000);
    let page = data(
        compressed(zstd, &page, unread)?,
        size + unread,
        all,
        Encoding::PLAIN,
    );
    let ids = ids(rows);
    let ids = ids.into_iter().map(|(page, size)| {
        let bytes = zstd(&mut &page.buffer()[..]).unwrap_or_default();
        data(bytes, size, rows, Encoding::PLAIN)
    });
    let compression = Compression::ZSTD(ZstdLevel::default());
    table(LISTS, compression, rows, &[ids.collect(), vec![page]])
}
