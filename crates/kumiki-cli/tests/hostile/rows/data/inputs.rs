//! Inputs of a few kilobytes that unfold to gigabytes: the real program must
//! refuse them, or read them in bounded memory.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::parser::parse_message_type;
use test_components::TextPlugin;

use crate::program::process as program;
use crate::suite::{Case, Outcome::Answer, Seen};

/// How much the whole process may hold, in MiB.
const MOST: usize = 1024;
/// More than that.
const HUGE: usize = 1_500_000_000;
const TEXTS: &str = "message m { required binary id (UTF8); }";

pub(crate) fn cases() -> Vec<Case> {
    let rows = [lines(), pages(), values(), footers()];
    rows.into_iter().flatten().map(Case::from).collect()
}

fn lines() -> Vec<Row> {
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
            "60 million numbers in the place of a text",
            "in.jsonl",
            1,
            "an array",
            || Ok([b"{\"id\":[0", &b",0".repeat(60_000_000)[..], b"]}\n"].concat()),
        ),
    ]
}

fn pages() -> Vec<Row> {
    vec![
        row(
            "a page of 1.5 GB in Parquet with zstd",
            "in.parquet",
            1,
            "unpacks to",
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
            "unpacks to",
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
            "unpacks to",
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

fn values() -> Vec<Row> {
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
        row(
            "two billion values in one row",
            "in.parquet",
            1,
            "values",
            || {
                // The first begins a row, and all others go on with it.
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
            },
        )
        .into_table(),
        row(
            "4,000 nulls of a gigabyte each",
            "in.parquet",
            1,
            "in each row",
            || {
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
            },
        )
        .into_table(),
    ]
}

fn footers() -> Vec<Row> {
    /// A description of so many groups, each of which says that it has so many
    /// children.
    fn groups(count: usize, children: u32) -> Result<Vec<u8>, String> {
        let mut footer = vec![0x15, 2, 0x19, 0xfc];
        footer.extend(varint(count as u64));
        for _ in 0..count {
            // It is required, has a name, and children.
            footer.extend([0x35, 0, 0x18, 1, b'a', 0x15]);
            footer.extend(varint(u64::from(children) << 1));
            footer.push(0);
        }
        footer.extend([0x16, 0, 0x19, 0x0c, 0]);
        let length = u32::try_from(footer.len()).map_err(|error| error.to_string())?;
        Ok([b"PAR1", &footer[..], &length.to_le_bytes(), b"PAR1"].concat())
    }
    vec![
        row(
            "100,000 groups in each other in Parquet",
            "in.parquet",
            2,
            "64 deep",
            || groups(100_000, 1),
        ),
        row(
            "two billion columns in 100 bytes of Parquet",
            "in.parquet",
            2,
            "fewer in all",
            || groups(8, i32::MAX as u32),
        ),
    ]
}

/// A row that runs a plugin over a file, which must end with this code, say this
/// and hold no more than it may.
fn row(
    name: &'static str,
    input: &'static str,
    code: i32,
    says: &'static str,
    make: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
) -> Row {
    Row {
        name,
        input,
        code,
        says,
        make: Box::new(make),
        into: &[],
    }
}

struct Row {
    name: &'static str,
    input: &'static str,
    code: i32,
    says: &'static str,
    make: Box<dyn FnOnce() -> Result<Vec<u8>, String> + Send>,
    into: &'static [&'static str],
}

impl Row {
    /// Reads all columns and writes them again.
    fn into_table(self) -> Self {
        Self {
            into: &["--into", "out", "-O", "out.parquet"],
            ..self
        }
    }

    fn attempt(self, folder: &Path) -> Result<String, String> {
        let input = (self.make)()?;
        fs::write(folder.join(self.input), input).map_err(|error| error.to_string())?;
        // Its answers are empty, so that nothing but reading takes memory.
        let plugin = TextPlugin::new("plugin").process(
            "(i32.store8 (i32.const 16) (i32.const 0))
             (i64.store (i32.const 20) (i64.const 0)) (i64.store (i32.const 28) (i64.const 0))
             (i32.const 16)",
        );
        let plugin = plugin.build();
        fs::write(folder.join("plugin.wasm"), plugin).map_err(|error| error.to_string())?;
        let mut arguments = vec!["run", "-p", "plugin.wasm", self.input];
        if !self.input.contains(".txt") {
            arguments.extend(["--field", "id"]);
        }
        arguments.extend(self.into);
        let ran = program::run(folder, &arguments)?;
        let held = ran.judge(self.code, MOST)?;
        match ran.stderr.text.contains(self.says) {
            true => Ok(held),
            false => Err(format!(
                "it does not say `{}`: {}",
                self.says, ran.stderr.text
            )),
        }
    }
}

impl From<Row> for Case {
    fn from(row: Row) -> Self {
        Self::new(row.name, Answer, "", move || {
            let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
            let message = row.attempt(folder.path())?;
            Ok(Seen {
                outcome: Answer,
                message,
            })
        })
        .patience(240)
        // What makes the input is in this process.
        .within(1024)
    }
}

type Pack = fn(&mut dyn Read) -> io::Result<Vec<u8>>;

fn gzip(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::copy(from, &mut encoder)?;
    encoder.finish()
}

fn zstd(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    zstd::encode_all(from, 1)
}

/// These bytes and so many NULs, packed without being in memory.
fn packed(pack: Pack, begin: &[u8], nuls: usize) -> Result<Vec<u8>, String> {
    let mut bytes = begin.chain(io::repeat(0).take(nuls as u64));
    pack(&mut bytes).map_err(|error| error.to_string())
}

/// What stands before a text in Parquet.
fn text_length(length: usize) -> [u8; 4] {
    (length as u32).to_le_bytes()
}

/// A run of one level or reference.
fn run(count: u32, value: u8) -> Vec<u8> {
    let mut bytes = varint(u64::from(count) << 1);
    bytes.push(value);
    bytes
}

/// A run of one reference, with how wide they are before it.
fn run_of(count: u32, value: u8) -> Vec<u8> {
    [&[1], &run(count, value)[..]].concat()
}

/// With its length before it, as levels are.
fn sized(bytes: &[u8]) -> Vec<u8> {
    [&text_length(bytes.len()), bytes].concat()
}

fn levels(count: u32, value: u8) -> Vec<u8> {
    sized(&run(count, value))
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A page that says that it unpacks to so many bytes.
fn data(page: Vec<u8>, size: usize, num_values: u32, encoding: Encoding) -> (Page, usize) {
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

fn dictionary(page: Vec<u8>, size: usize, num_values: u32) -> (Page, usize) {
    let page = Page::DictionaryPage {
        buf: page.into(),
        num_values,
        encoding: Encoding::PLAIN,
        is_sorted: false,
    };
    (page, size)
}

/// A file with one column and these pages in it.
fn file(
    schema: &str,
    compression: Compression,
    rows: u32,
    pages: &[(Page, usize)],
) -> Result<Vec<u8>, String> {
    table(schema, compression, rows, &[pages.to_vec()])
}

/// A file with these pages in its columns.
fn table(
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
    written().map_err(|error| error.to_string())
}

/// A file of pages, and how long it is.
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
