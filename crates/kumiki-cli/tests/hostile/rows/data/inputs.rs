//! Rows: inputs of a few kilobytes that unpack to gigabytes. The program must refuse
//! them, or read them in bounded memory.

use std::io::{self, Read};

use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use test_components::TextPlugin;

use super::parquet::{data, dictionary, file, levels, run, run_of, sized, table, text_length};
use crate::suite::{Case, to_text};

/// The most memory of the program, in MiB: with Parquet, and with packed lines.
const MOST_OF_PARQUET: usize = 512;
const MOST: usize = 1024;
/// More bytes than that.
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
            || packed(gzip, &[], HUGE),
        ),
        row(
            "a line of 1.5 GB in .zst",
            "in.txt.zst",
            1,
            "longer than",
            || packed(zstd, &[], HUGE),
        ),
        row(
            "a row of 1.5 GB in CSV in .zst",
            "in.csv.zst",
            1,
            "longer than",
            || packed(zstd, b"id\n", HUGE),
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
                let page = packed(zstd, &text_length(HUGE - 4), HUGE - 4)?;
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
            "a page of gzip that is 1.5 GB more than it says",
            "in.parquet",
            1,
            "decompressed size",
            || {
                let page = packed(gzip, &text_length(996), HUGE)?;
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
                let values = packed(zstd, &text_length(HUGE - 4), HUGE - 4)?;
                let references = packed(zstd, &run_of(1, 0), 0)?;
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
            // The first value begins a row, and all others belong to it.
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

/// A row that runs a plugin over a file. The program must end with this exit code,
/// say this, and have little memory.
pub(super) fn row(
    name: &'static str,
    input: &'static str,
    code: i32,
    says: &'static str,
    make: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
) -> Case {
    let field = if input.contains(".txt") {
        ""
    } else {
        " --field id"
    };
    row_with(name, (input, field), code, says, make)
}

/// A row that reads all columns of a Parquet file and writes them again.
pub(super) fn table_row(
    name: &'static str,
    says: &'static str,
    make: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
) -> Case {
    let options = " --field id --into out -O out.parquet";
    row_with(name, ("in.parquet", options), 1, says, make)
}

pub(super) fn row_with(
    name: &'static str,
    (input, options): (&'static str, &'static str),
    code: i32,
    says: &'static str,
    make: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
) -> Case {
    Case::in_scene(name, move |scene| {
        scene.file(&format!("work/{input}"), make()?)?;
        // Its answers are empty, so that only reading takes memory.
        let plugin = TextPlugin::new("plugin").process(
            "(i32.store8 (i32.const 16) (i32.const 0))
             (i64.store (i32.const 20) (i64.const 0)) (i64.store (i32.const 28) (i64.const 0))
             (i32.const 16)",
        );
        scene.file("work/plugin.wasm", plugin.build())?;
        let output = scene.run(&format!("run -p plugin.wasm {input}{options}"))?;
        output.expect(code, &[says])?;
        output.within(match input.ends_with(".parquet") {
            true => MOST_OF_PARQUET,
            false => MOST,
        })
    })
    .patience(240)
    // This process makes the input.
    .within(1024)
}

pub(super) type Pack = fn(&mut dyn Read) -> io::Result<Vec<u8>>;

pub(super) fn gzip(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::copy(from, &mut encoder)?;
    encoder.finish()
}

pub(super) fn zstd(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    zstd::encode_all(from, 1)
}

/// These bytes and this many NULs, packed without being in memory.
pub(super) fn packed(pack: Pack, begin: &[u8], nuls: usize) -> Result<Vec<u8>, String> {
    let mut bytes = begin.chain(io::repeat(0).take(nuls as u64));
    pack(&mut bytes).map_err(to_text)
}
