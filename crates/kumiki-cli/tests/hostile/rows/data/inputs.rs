//! Rows: inputs of a few kilobytes that decompress to gigabytes. The program must refuse
//! them, or read them in bounded memory.

use std::io::{self, Read};

use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use test_components::TextPlugin;

use super::parquet::{data, dictionary, file, levels, run, run_of, sized, table, text_length};
use crate::suite::{Case, to_text};

/// The maximum memory of the program in MiB, for Parquet and for compressed lines.
const MAX_MEMORY_PARQUET: usize = 512;
const MAX_MEMORY_LINES: usize = 1024;
/// A number of bytes that exceeds both.
pub(super) const HUGE: usize = 1_500_000_000;
pub(super) const TEXTS: &str = "message m { required binary id (UTF8); }";

pub(crate) fn cases() -> Vec<Case> {
    let rows = [lines(), pages(), values()];
    rows.into_iter().flatten().collect()
}

fn lines() -> Vec<Case> {
    vec![
        row(
            "a line of 1.5 GB in .gz",
            "in.txt.gz",
            1,
            "longer than",
            || compressed(gzip, &[], HUGE),
        ),
        row(
            "a line of 1.5 GB in .zst",
            "in.txt.zst",
            1,
            "longer than",
            || compressed(zstd, &[], HUGE),
        ),
        row(
            "a row of 1.5 GB in CSV in .zst",
            "in.csv.zst",
            1,
            "longer than",
            || compressed(zstd, b"id\n", HUGE),
        ),
        row(
            "60 million numbers instead of a text",
            "in.jsonl",
            1,
            "an array",
            || Ok([b"{\"id\":[0", &b",0".repeat(60_000_000)[..], b"]}\n"].concat()),
        ),
    ]
}

fn pages() -> Vec<Case> {
    vec![
        row(
            "a page of 1.5 GB in Parquet with zstd",
            "in.parquet",
            1,
            "decompressed size",
            || {
                let page = compressed(zstd, &text_length(HUGE - 4), HUGE - 4)?;
                let compression = Compression::ZSTD(ZstdLevel::default());
                file(
                    TEXTS,
                    compression,
                    1,
                    &[data(page, HUGE, 1, Encoding::PLAIN)],
                )
            },
        ),
        row(
            "a page of Parquet with 1.5 GB more gzip than its header says",
            "in.parquet",
            1,
            "decompressed size",
            || {
                let page = compressed(gzip, &text_length(996), HUGE)?;
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
            "a dictionary of 1.5 GB in Parquet",
            "in.parquet",
            1,
            "decompressed size",
            || {
                let values = compressed(zstd, &text_length(HUGE - 4), HUGE - 4)?;
                let references = compressed(zstd, &run_of(1, 0), 0)?;
                let compression = Compression::ZSTD(ZstdLevel::default());
                let pages = [
                    dictionary(values, HUGE, 1),
                    data(references, run_of(1, 0).len(), 1, Encoding::RLE_DICTIONARY),
                ];
                file(TEXTS, compression, 1, &pages)
            },
        ),
        row(
            "3,000 references to one text of 1 MiB",
            "in.parquet",
            0,
            "",
            || {
                let (length, rows) = (1 << 20, 3_000);
                let values = [&text_length(length)[..], &vec![b'a'; length]].concat();
                let references = run_of(rows, 0);
                let size = (values.len(), references.len());
                let pages = [
                    dictionary(values, size.0, 1),
                    data(references, size.1, rows, Encoding::RLE_DICTIONARY),
                ];
                file(TEXTS, Compression::UNCOMPRESSED, rows, &pages)
            },
        ),
    ]
}

fn values() -> Vec<Case> {
    vec![
        row(
            "100 million rows of null in one run",
            "in.parquet",
            0,
            "",
            || {
                let rows = 100_000_000;
                let levels = levels(rows, 0);
                let size = levels.len();
                let schema = "message m { optional binary id (UTF8); }";
                let page = data(levels, size, rows, Encoding::PLAIN);
                file(schema, Compression::UNCOMPRESSED, rows, &[page])
            },
        ),
        table_row("two billion values in one row", "a row takes", || {
            // The first value starts a row, and all others belong to it.
            let count = 2_000_000_000;
            let mut repetition = run(1, 0);
            repetition.extend(run(count - 1, 1));
            let page = [&sized(&repetition)[..], &levels(count, 0)].concat();
            let size = page.len();
            let schema = "message m {
                required binary id (UTF8);
                optional group list (LIST) { repeated group list { optional int32 element; } }
            }";
            let id = [&text_length(1)[..], b"a"].concat();
            let columns = [
                vec![data(id, 5, 1, Encoding::PLAIN)],
                vec![data(page, size, count, Encoding::PLAIN)],
            ];
            table(schema, Compression::UNCOMPRESSED, 1, &columns)
        }),
        table_row("4,000 nulls of a gigabyte each", "a row takes", || {
            let rows = 4_000;
            let schema = "message m {
                required binary id (UTF8); optional fixed_len_byte_array(1000000000) wide;
            }";
            let id = text_length(0).repeat(rows as usize);
            let wide = levels(rows, 0);
            let size = (id.len(), wide.len());
            let columns = [
                vec![data(id, size.0, rows, Encoding::PLAIN)],
                vec![data(wide, size.1, rows, Encoding::PLAIN)],
            ];
            table(schema, Compression::UNCOMPRESSED, rows, &columns)
        }),
    ]
}

/// A row that runs a plugin over a file. The program must end with this exit code and
/// message, and use little memory.
pub(super) fn row(
    name: &'static str,
    input: &'static str,
    code: i32,
    message: &'static str,
    make: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
) -> Case {
    let field = if input.contains(".txt") {
        ""
    } else {
        " --field id"
    };
    row_with(name, (input, field), code, message, make)
}

/// A row that reads all columns of a Parquet file and writes them again.
pub(super) fn table_row(
    name: &'static str,
    message: &'static str,
    make: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
) -> Case {
    let options = " --field id --into out -O out.parquet";
    row_with(name, ("in.parquet", options), 1, message, make)
}

pub(super) fn row_with(
    name: &'static str,
    (input, options): (&'static str, &'static str),
    code: i32,
    message: &'static str,
    make: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
) -> Case {
    Case::in_scene(name, move |scene| {
        scene.file(&format!("work/{input}"), make()?)?;
        // Its results are empty, so that only reading uses memory.
        let plugin = TextPlugin::new("plugin").process(
            "(i32.store8 (i32.const 16) (i32.const 0))
             (i64.store (i32.const 20) (i64.const 0)) (i64.store (i32.const 28) (i64.const 0))
             (i32.const 16)",
        );
        scene.file("work/plugin.wasm", plugin.build())?;
        let output = scene.run(&format!("run -p plugin.wasm {input}{options}"))?;
        output.expect(code, &[message])?;
        output.within(match input.ends_with(".parquet") {
            true => MAX_MEMORY_PARQUET,
            false => MAX_MEMORY_LINES,
        })
    })
    .timeout(240)
    // This process creates the input.
    .within(1024)
}

pub(super) type Compress = fn(&mut dyn Read) -> io::Result<Vec<u8>>;

pub(super) fn gzip(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::copy(from, &mut encoder)?;
    encoder.finish()
}

pub(super) fn zstd(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    zstd::encode_all(from, 1)
}

/// Compresses these bytes followed by this many NULs, which are never in memory.
pub(super) fn compressed(compress: Compress, start: &[u8], nuls: usize) -> Result<Vec<u8>, String> {
    let mut bytes = start.chain(io::repeat(0).take(nuls as u64));
    compress(&mut bytes).map_err(to_text)
}
